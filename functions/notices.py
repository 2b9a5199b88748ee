"""What is told of a device beside its decisions: it fell silent, it sends again, a gap broke its window."""

from __future__ import annotations

from datetime import datetime

from aiot_anomaly import incidents
from aiot_anomaly.messages import Incident, Notice, NoticeReason, notice_id
from aiot_anomaly.profile import Profile
from aiot_anomaly.stream import Gap
from aiot_anomaly.windows import as_datetime


def silent(profile: Profile, device: str, since: int, now: datetime) -> Notice:
    """It sent nothing since a message that was published at `since`."""
    return _notice(
        profile, device, "silent", since, now, incident=incidents.silent(profile.name, device, since, "opened")
    )


def sending(profile: Profile, device: str, since: int, now: datetime) -> Notice:
    """It sends again, after a silence since `since`."""
    return _notice(
        profile, device, "sending", since, now, incident=incidents.silent(profile.name, device, since, "closed")
    )


def gap(profile: Profile, device: str, found: Gap, now: datetime) -> Notice:
    """Its window is broken."""
    until = None if found.until is None else as_datetime(found.until * profile.interval_s)
    return _notice(profile, device, "gap", found.since * profile.interval_s, now, until=until)


def _notice(
    profile: Profile,
    device: str,
    reason: NoticeReason,
    since: int,
    now: datetime,
    *,
    until: datetime | None = None,
    incident: Incident | None = None,
) -> Notice:
    at = as_datetime(since)
    return Notice(
        id=notice_id(profile.name, device, reason, at),
        profile=profile.name,
        device_id=device,
        reason=reason,
        since=at,
        until=until,
        incident=incident,
        decided_at=now,
    )
