"""Incidents: many anomalous decisions of one device become one thing that an operator acts on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from aiot_anomaly.messages import Incident, IncidentState
from aiot_anomaly.profile import Incidents
from aiot_anomaly.windows import as_datetime


@dataclass(frozen=True)
class IncidentTracker:
    """Where a device stands between two decisions. Immutable: `advance` gives the next.

    Attributes:
        recent: whether each of the last decisions was anomalous, oldest first.
        opened_at: window end (seconds since 1970) of the decision that opened the incident, None if none is open.
        peak: highest score since it opened.
        quiet: consecutive normal decisions while it is open.
    """

    recent: tuple[bool, ...] = field(default=())
    opened_at: int | None = None
    peak: float = 0.0
    quiet: int = 0

    def advance(
        self, rules: Incidents, device_id: str, end: int, is_anomaly: bool, score: float
    ) -> tuple[IncidentTracker, Incident | None]:
        """Takes one decision.

        Args:
            rules: of the profile.
            device_id: whose decision it is; part of the incident's id.
            end: window end, seconds since 1970 UTC.
            is_anomaly: the decision.
            score: its score.

        Returns:
            The next tracker, and the incident that the decision belongs to, if any.
        """
        recent = (*self.recent, is_anomaly)[-rules.n :]
        if self.opened_at is None:
            if sum(recent) < rules.k:
                return replace(self, recent=recent), None
            opened = IncidentTracker(recent, end, score, 0)
            return opened, opened._incident(device_id, "opened")
        quiet = 0 if is_anomaly else self.quiet + 1
        ongoing = IncidentTracker(recent, self.opened_at, max(self.peak, score), quiet)
        if quiet < rules.quiet:
            return ongoing, ongoing._incident(device_id, "ongoing")
        return IncidentTracker(), ongoing._incident(device_id, "closed")

    def _incident(self, device_id: str, state: IncidentState) -> Incident:
        assert self.opened_at is not None
        opened = as_datetime(self.opened_at)
        return Incident(
            id=f"{device_id}/{opened:%Y-%m-%dT%H:%M:%SZ}", state=state, opened_at=opened, peak_score=self.peak
        )
