"""What is told of a device beside its decisions: it fell silent, it sends again, a gap broke its window."""

from __future__ import annotations

from datetime import datetime

from aiot_anomaly import incidents
from aiot_anomaly.messages import Notice, notice_id
from aiot_anomaly.profile import Profile
from aiot_anomaly.stream import Gap
from aiot_anomaly.windows import as_datetime


def silent(profile: Profile, device: str, since: int, now: datetime) -> Notice:
    """It sent nothing since a message that was published at `since`."""
    at = as_datetime(since)
    return Notice(
        id=notice_id(profile.name, device, "silent", at),
        profile=profile.name,
        device_id=device,
        reason="silent",
        since=at,
        incident=incidents.silent(device, since, "opened"),
        decided_at=now,
    )


def sending(profile: Profile, device: str, since: int, now: datetime) -> Notice:
    """It sends again, after a silence since `since`."""
    at = as_datetime(since)
    return Notice(
        id=notice_id(profile.name, device, "sending", at),
        profile=profile.name,
        device_id=device,
        reason="sending",
        since=at,
        incident=incidents.silent(device, since, "closed"),
        decided_at=now,
    )


def gap(profile: Profile, device: str, found: Gap, now: datetime) -> Notice:
    """Its window is broken."""
    since = as_datetime(found.since * profile.interval_s)
    return Notice(
        id=notice_id(profile.name, device, "gap", since),
        profile=profile.name,
        device_id=device,
        reason="gap",
        since=since,
        until=None if found.until is None else as_datetime(found.until * profile.interval_s),
        decided_at=now,
    )
