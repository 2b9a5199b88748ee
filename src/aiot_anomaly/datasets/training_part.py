"""The part of a recording that trains, as the rules of a first profile look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aiot_anomaly.datasets import traits
from aiot_anomaly.datasets.survey import Survey
from aiot_anomaly.datasets.traits import Grid
from aiot_anomaly.preprocessing import hold
from aiot_anomaly.series import Bool

#: points of the grid that the statistics look at, of each sensor
LOOK = 50_000


@dataclass(frozen=True)
class TrainingPart:
    """Each device's, held over short gaps: (n, S) of each device, NaN where labelled as anomalous."""

    parts: tuple[Grid, ...]
    share: float

    @property
    def rows(self) -> int:
        """Points of the longest one that have a value."""
        return max(came(p) for p in self.parts)

    @cached_property
    def counters(self) -> Bool:
        """(S,) True for what only rises."""
        return traits.counting(self.parts)

    @cached_property
    def judged(self) -> tuple[Grid, ...]:
        """The same with what a counter counted in its place."""
        return tuple(traits.counted(p, self.counters) for p in self.parts)


def look(found: Survey, gap: int, share: float) -> TrainingPart:
    """The leading `share` of each device's points, with holes of up to `gap` points filled."""
    parts = []
    for name, grid in found.devices.items():
        rows = _leading(grid, share)
        part = hold(grid[:rows], gap)
        part[found.marked[name][:rows]] = np.nan
        parts.append(part[-LOOK:])
    return TrainingPart(tuple(parts), share)


def came(grid: Grid) -> int:
    """How many points of a grid have a value: a recording may be of several campaigns, far apart."""
    return int(np.isfinite(grid).any(axis=1).sum())


def _leading(grid: Grid, share: float) -> int:
    """At which point of a grid the first `share` of what came ends."""
    came = np.cumsum(np.isfinite(grid).any(axis=1))
    return max(2, int(np.searchsorted(came, share * came[-1])) + 1)
