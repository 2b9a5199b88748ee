"""What the demo saw: incidents against truth, outcomes against what was published, latency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.messages import Decision
from aiot_anomaly.windows import as_datetime


@dataclass(frozen=True)
class IncidentSpan:
    """One incident of a device, as its decisions told it.

    Attributes:
        id: of the incident.
        opened: window end of the decision that opened it.
        last: window end of its last decision.
        closed: whether it ended.
        peak_score: highest score in it.
        top_sensor: that contributed most at the peak.
    """

    id: str
    opened: datetime
    last: datetime
    closed: bool
    peak_score: float
    top_sensor: str


@dataclass(frozen=True)
class DeviceSummary:
    """One line of the demo's table.

    Attributes:
        device_id: the device.
        decisions: in order of time.
        events: what really happened to it.
        incidents: what was told.
        delays_s: for each event, seconds until an incident opened in it; None where none did.
        false_alarms: incidents that opened in no event.
    """

    device_id: str
    decisions: tuple[Decision, ...]
    events: tuple[Truth, ...]
    incidents: tuple[IncidentSpan, ...]
    delays_s: tuple[float | None, ...]
    false_alarms: int


def incident_spans(decisions: Iterable[Decision]) -> tuple[IncidentSpan, ...]:
    """The incidents that a device's decisions (in order of time) tell of."""
    groups: dict[str, list[Decision]] = {}
    for d in decisions:
        if d.incident is not None:
            groups.setdefault(d.incident.id, []).append(d)
    return tuple(_span(name, members) for name, members in groups.items())


def _span(name: str, members: Sequence[Decision]) -> IncidentSpan:
    peak = max(members, key=lambda d: d.score)
    last = members[-1]
    return IncidentSpan(
        id=name,
        opened=members[0].window_end,
        last=last.window_end,
        closed=last.incident is not None and last.incident.state == "closed",
        peak_score=peak.score,
        top_sensor=peak.contributions[0].sensor,
    )


def device_summary(device_id: str, decisions: Iterable[Decision], truth: Iterable[Truth]) -> DeviceSummary:
    """Compares what was told of a device with what happened to it."""
    own = tuple(sorted((d for d in decisions if d.device_id == device_id), key=lambda d: d.window_end))
    events = tuple(t for t in truth if t.device_id == device_id and t.anomalous)
    incidents = incident_spans(own)
    return DeviceSummary(
        device_id=device_id,
        decisions=own,
        events=events,
        incidents=incidents,
        delays_s=tuple(_delay(e, incidents) for e in events),
        false_alarms=sum(not any(_opened_in(e, i) for e in events) for i in incidents),
    )


def _opened_in(event: Truth, incident: IncidentSpan) -> bool:
    # one that was open before finds nothing: it had another reason
    return as_datetime(event.start) <= incident.opened <= as_datetime(event.end)


def _delay(event: Truth, incidents: Sequence[IncidentSpan]) -> float | None:
    opened = [i.opened.timestamp() for i in incidents if _opened_in(event, i)]
    return min(opened) - event.start if opened else None


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 in milliseconds."""
    return {f"p{q}": float(np.percentile(seconds, q)) * 1e3 for q in (50, 95, 99)} if seconds else {}


def duration(seconds: float) -> str:
    """A span as people say it: "42 s", "3.5 min", "14 h", "2.1 d"."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= (2 if unit == "d" else 1) * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
