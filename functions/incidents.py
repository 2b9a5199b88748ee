"""What an operator's alert is made of: one line of the log when an incident opens, and one when it closes.

The line's message is `incident opened`, `incident suppressed` (opened beyond the device's budget for the day: nobody is
alerted, and it is `incident opened` once the budget allows it) or `incident closed`, or `window broken` for a gap. Its
fields are flat, so that an alert policy can take labels out of them:

    device_id       whose incident it is
    profile         what kind of device that is
    incident_id     the same on both lines, and on a line that is written twice
    kind            anomaly, or silent: the device stopped sending
    since           window end of the decision that opened it, or when its last message was published (ISO 8601)
    window_end      window end of this decision (ISO 8601)
    score           of this decision; 1.0 is the threshold
    peak_score      the highest since it opened
    severity_score  how far beyond the threshold this decision is, 0 to 1; `severity` is the log's own level
    sensor          which explains most of this decision's score
    sensors         which explain most of the highest score
    decision_id, message_id, attempt    which decision it was, and which delivery led to it
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aiot_anomaly.messages import Decision, Notice

_log = logging.getLogger(__name__)


def report(told: Sequence[Decision | Notice], delivery: Mapping[str, object]) -> None:
    """Logs what these decisions and notices are to tell an operator; `delivery` are fields to go with each."""
    for of in told:
        fields = _of_decision(of) if isinstance(of, Decision) else _of_notice(of)
        _log.info(_message(of), extra={"fields": {**fields, **delivery}})


def _message(of: Decision | Notice) -> str:
    if of.incident is None:
        return "window broken"
    if of.incident.state == "closed":
        return "incident closed"
    return "incident suppressed" if of.incident.suppressed else "incident opened"


def _of_decision(decision: Decision) -> dict[str, object]:
    incident = decision.incident
    assert incident is not None
    return {
        "device_id": decision.device_id,
        "profile": decision.profile,
        "incident_id": incident.id,
        "kind": incident.kind,
        "since": incident.opened_at.isoformat(),
        "window_end": decision.window_end.isoformat(),
        "score": decision.score,
        "peak_score": incident.peak_score,
        "severity_score": decision.severity,
        "sensor": max(decision.contributions, key=lambda c: c.share).sensor if decision.contributions else None,
        "sensors": incident.sensors,
        "decision_id": decision.id,
    }


def _of_notice(notice: Notice) -> dict[str, object]:
    fields: dict[str, object] = {
        "device_id": notice.device_id,
        "profile": notice.profile,
        "since": notice.since.isoformat(),
        "decision_id": notice.id,
    }
    if notice.incident is not None:
        fields |= {"incident_id": notice.incident.id, "kind": notice.incident.kind}
    if notice.until is not None:
        fields["until"] = notice.until.isoformat()
    return fields
