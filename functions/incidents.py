"""What an operator's alert is made of: one line of the log when an incident opens, and one when it closes.

The line's message is `incident opened` or `incident closed`, and its fields are flat, so that an alert policy can take
labels out of them:

    device_id       whose incident it is
    profile         what kind of device that is
    incident_id     the same on both lines, and on a line that is written twice
    since           window end of the decision that opened it (ISO 8601)
    window_end      window end of this decision (ISO 8601)
    score           of this decision; 1.0 is the threshold
    peak_score      the highest since it opened
    severity_score  how far beyond the threshold this decision is, 0 to 1; `severity` is the log's own level
    sensor          which explains most of this decision's score
    decision_id, message_id, attempt    which decision it was, and which delivery led to it
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aiot_anomaly.messages import Decision

_log = logging.getLogger(__name__)


def report(decisions: Sequence[Decision], delivery: Mapping[str, object]) -> None:
    """Logs the incidents that these decisions open or close; `delivery` are fields to go with each."""
    for decision in decisions:
        incident = decision.incident
        if incident is not None and incident.state != "ongoing":
            fields: dict[str, object] = {
                "device_id": decision.device_id,
                "profile": decision.profile,
                "incident_id": incident.id,
                "since": incident.opened_at.isoformat(),
                "window_end": decision.window_end.isoformat(),
                "score": decision.score,
                "peak_score": incident.peak_score,
                "severity_score": decision.severity,
                "sensor": max(decision.contributions, key=lambda c: c.share).sensor if decision.contributions else None,
                "decision_id": decision.id,
            }
            _log.info("incident %s", incident.state, extra={"fields": {**fields, **delivery}})
