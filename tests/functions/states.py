"""States to be kept in a store."""

from __future__ import annotations

import numpy as np

from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.messages import OUTCOMES
from aiot_anomaly.stream import DeviceState


def state(decided: int = 0, *, values: float = 1.0) -> DeviceState:
    """Of three readings, one of them pending, with each field different from an empty state's."""
    return DeviceState(
        slots=np.array([10, 11, 12]),
        values=np.full((3, 2), values),
        first_slot=10,
        watermark=11,
        outcomes={**dict.fromkeys(OUTCOMES, 0), "decided": decided, "late": 1},
        messages=("a", "b"),
        tracker=IncidentTracker((True, False), 600, 1.5, 1),
        model_version="v7",
    )
