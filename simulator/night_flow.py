"""Night flow: what flows into a district while people sleep, and by how much a leak lifts it.

The minimum night flow is what utilities watch: little is drawn then, so a leak is the largest part of the inflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.recording import Recording
from simulator.clock import DAY_S
from simulator.errors import SimulatorError

#: hours (UTC) of the night, from the first to before the last
HOURS = (2, 4)


@dataclass(frozen=True, eq=False)
class NightFlow:
    """The nights of one district.

    Attributes:
        device_id: the district.
        days: (D,) days counted from 1970-01-01.
        flow: (D,) mean inflow in `HOURS`, L/s.
        leaking: (D,) whether a labelled anomaly runs in that night.
    """

    device_id: str
    days: NDArray[np.int64]
    flow: NDArray[np.float64]
    leaking: NDArray[np.bool_]

    @classmethod
    def of(cls, recording: Recording) -> NightFlow:
        """The nights of a labelled recording, whose first value is the inflow.

        Raises:
            SimulatorError: it has no labels, or no night without an anomaly to compare with.
        """
        hour = recording.timestamps % DAY_S / 3600
        night = (hour >= HOURS[0]) & (hour < HOURS[1]) & ~np.isnan(recording.values[:, 0])
        days, of = np.unique(recording.timestamps[night] // DAY_S, return_inverse=True)
        if recording.labels is None:
            raise SimulatorError(f"the recording of {recording.device_id} has no labels; expected a simulated one")
        flow = np.bincount(of, recording.values[night, 0]) / np.bincount(of)
        leaking = np.bincount(of, recording.labels[night]) > 0
        if not np.any(~leaking):
            raise SimulatorError(
                f"{recording.device_id} has no night without an anomaly among {len(days)}; expected one at least"
            )
        return cls(recording.device_id, days, flow, leaking)

    @property
    def relative(self) -> NDArray[np.float64]:
        """(D,) flow as a share of the median of the nights without a leak."""
        return np.asarray(self.flow / np.median(self.flow[~self.leaking]))

    @property
    def spread(self) -> float:
        """Standard deviation of `relative` over the nights without a leak."""
        return float(self.relative[~self.leaking].std())

    @property
    def lift(self) -> float:
        """How far the mean night with a leak lies above the median one without, as a share; NaN without a leak."""
        return float(self.relative[self.leaking].mean() - 1) if self.leaking.any() else float("nan")
