"""Incidents: many anomalous decisions of one device become one thing that an operator acts on.

An incident has the id of the decision or notice that opened it, so that it is the same however often that is made, and
another one for each profile that judges the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from aiot_anomaly.messages import Incident, IncidentState, Prediction, decision_id, notice_id
from aiot_anomaly.profile import Incidents
from aiot_anomaly.windows import as_datetime

#: sensors that an incident names at most, and the share of the score that makes one worth naming
MOST_SENSORS = 3
LEAST_SHARE = 0.1
_DAY = 86_400


@dataclass(frozen=True)
class IncidentTracker:
    """Where a device stands between two decisions. Immutable: `advance` gives the next.

    Attributes:
        recent: whether each of the last decisions was anomalous, oldest first.
        opened_at: window end (seconds since 1970) of the decision that opened the incident, None if none is open.
        peak: highest score since it opened.
        quiet: consecutive normal decisions while it is open.
        sensors: those that explained most of the highest score.
        suppressed: it is recorded, and beyond the day's budget: nobody is told.
        day: of the last incident that somebody was told of, in days since 1970.
        told: how many there were on that day.
    """

    recent: tuple[bool, ...] = field(default=())
    opened_at: int | None = None
    peak: float = 0.0
    quiet: int = 0
    sensors: tuple[str, ...] = ()
    suppressed: bool = False
    day: int = 0
    told: int = 0

    def advance(
        self,
        rules: Incidents,
        profile: str,
        device_id: str,
        end: int,
        is_anomaly: bool,
        score: float,
        *,
        sensors: Sequence[str] = (),
        may_open: bool = True,
        most_a_day: int | None = None,
    ) -> tuple[IncidentTracker, Incident | None]:
        """Takes one decision.

        Args:
            rules: of the profile.
            profile: its name; part of the incident's id, as the next is.
            device_id: whose decision it is.
            end: window end, seconds since 1970 UTC.
            is_anomaly: the decision.
            score: its score.
            sensors: that explain most of the score, the first one most of all.
            may_open: False in maintenance: an open incident goes on and may close, and none is opened.
            most_a_day: incidents a day (UTC) that somebody is told of. One beyond is suppressed for the day; where
                it is still there on the next, it counts as that day's.

        Returns:
            The next tracker, and the incident that the decision belongs to, if any.
        """
        recent = (*self.recent, is_anomaly)[-rules.n :]
        if self.opened_at is None:
            if not may_open:
                return replace(self, recent=()), None
            if sum(recent) < rules.k:
                return replace(self, recent=recent), None
            opened = replace(self, recent=recent, opened_at=end, peak=score, sensors=tuple(sensors), suppressed=True)
            opened = opened._tell(end, most_a_day)
            return opened, opened._incident(profile, device_id, "opened")
        quiet = 0 if is_anomaly else self.quiet + 1
        ongoing = replace(self, recent=recent, quiet=quiet)
        if score > self.peak:
            ongoing = replace(ongoing, peak=score, sensors=tuple(sensors))
        if is_anomaly and may_open:
            ongoing = ongoing._tell(end, most_a_day)
        if quiet < rules.quiet:
            return ongoing, ongoing._incident(profile, device_id, "ongoing")
        return IncidentTracker(day=self.day, told=self.told), ongoing._incident(profile, device_id, "closed")

    def _tell(self, end: int, most_a_day: int | None) -> IncidentTracker:
        """With a suppressed incident told of, if the day's budget allows it."""
        day = end // _DAY
        told = self.told if day == self.day else 0
        if not self.suppressed or (most_a_day is not None and told >= most_a_day):
            return self
        return replace(self, suppressed=False, day=day, told=told + 1)

    def _incident(self, profile: str, device_id: str, state: IncidentState) -> Incident:
        assert self.opened_at is not None
        opened = as_datetime(self.opened_at)
        return Incident(
            id=decision_id(profile, device_id, opened),
            kind="anomaly",
            state=state,
            opened_at=opened,
            peak_score=self.peak,
            sensors=list(self.sensors),
            suppressed=self.suppressed,
        )


def explaining(prediction: Prediction) -> list[str]:
    """The sensors that an incident names by this decision, the one that explains most of the score first."""
    shares = sorted(prediction.contributions, key=lambda c: -c.share)
    return [c.sensor for c in shares[:MOST_SENSORS] if c.share >= LEAST_SHARE]


def silent(profile: str, device_id: str, since: int, state: IncidentState) -> Incident:
    """The incident of a device whose last message was published at `since` (seconds since 1970)."""
    at = as_datetime(since)
    name = notice_id(profile, device_id, "silent", at)
    return Incident(id=name, kind="silent", state=state, opened_at=at, peak_score=0.0)
