"""What every rule stands on: the scores of normal windows that nothing was fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float
from aiot_anomaly.training.evaluation import MONTH_S, Scored, by_event, incidents

#: a threshold is never lower: a score of nothing at all is no alarm
LOWEST = 1e-6
DAY_S = 86_400


@dataclass(frozen=True)
class Chosen:
    """What a rule says.

    Attributes:
        value: the raw score at which an alarm begins.
        words: how it was set, for the bundle and for people.
        doubt: what the rule could not do, or what its promise does not cover; empty if nothing.
    """

    value: float
    words: str
    doubt: str = ""


@dataclass(frozen=True)
class HeldBack:
    """Raw scores of held-back normal windows, one part a device.

    Attributes:
        profile: the kind of device.
        parts: each device's windows in order of time; the labels are all False.
    """

    profile: Profile
    parts: tuple[Scored, ...]

    @cached_property
    def scores(self) -> Float:
        """(n,) all that there are, pooled over devices.

        Raises:
            TrainingError: there is none.
        """
        pooled: Float = np.concatenate([np.empty(0), *(s.scores for s in self.parts)])
        found: Float = pooled[np.isfinite(pooled)]
        if not len(found):
            raise TrainingError(
                f"none of {len(pooled)} held-back windows has a score, expected some to set the threshold from: give "
                f"longer normal recordings"
            )
        return found

    @property
    def device_months(self) -> float:
        """How long the windows are, in months of 30 days of one device."""
        return sum(len(s.ends) for s in self.parts) * self.step_s / MONTH_S

    @property
    def step_s(self) -> int:
        """Seconds from one window to the next."""
        return self.profile.interval_s * self.profile.window.stride

    @property
    def independent(self) -> float:
        """About how many windows share no reading with each other: neighbours do, and count for less."""
        return max(1.0, len(self.scores) * self.profile.window.stride / self.profile.span)

    def share_above(self, value: float) -> float:
        """The share of windows above a threshold."""
        return float(np.mean(self.scores > value))

    def incidents_per_month(self, value: float) -> float:
        """Incidents a device in 30 days that the threshold opens on these windows; all are false ones."""
        return by_event(self.profile, self._judged(value))["false_incidents_per_month"]

    def most_alarms_a_day(self, value: float) -> int:
        """The most incidents that the threshold opens for one device on one day (UTC) of these windows, at least one.

        A device in service that opens more does not tell anybody of a normal day.
        """
        judged = self._judged(value)
        days = Counter((s.device_id, opened // DAY_S) for s in judged for opened, _ in incidents(self.profile, s))
        return max(days.values(), default=1)

    def incidents(self, value: float) -> int:
        """How many incidents the threshold opens on these windows, of all devices."""
        return round(self.incidents_per_month(value) * self.device_months)

    def _judged(self, value: float) -> list[Scored]:
        return [replace(s, scores=s.scores / max(value, LOWEST)) for s in self.parts]

    def halves(self) -> tuple[HeldBack, HeldBack]:
        """Each device's earlier and later windows: what a rule promises by one, the other may check."""
        cuts = [np.arange(len(s.ends)) < len(s.ends) // 2 for s in self.parts]
        return self._only(cuts), self._only([~c for c in cuts])

    def _only(self, chosen: Sequence[Bool]) -> HeldBack:
        parts = (
            Scored(s.device_id, s.ends[c], s.scores[c], s.labels[c]) for s, c in zip(self.parts, chosen, strict=True)
        )
        return HeldBack(self.profile, tuple(p for p in parts if len(p.ends)))
