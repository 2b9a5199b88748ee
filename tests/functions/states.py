"""States to be kept in a store."""

from __future__ import annotations

import numpy as np

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.learning import Learning
from aiot_anomaly.messages import OUTCOMES


def state(decided: int = 0, *, values: float = 1.0, due_at: int | None = None) -> DeviceState:
    """Of three readings, one of them pending, with each field different from an empty state's."""
    return DeviceState(
        slots=np.array([10, 11, 12]),
        values=np.full((3, 2), values),
        first_slot=10,
        watermark=11,
        outcomes={**dict.fromkeys(OUTCOMES, 0), "decided": decided, "late": 1},
        messages=("a", "b"),
        tracker=IncidentTracker((True, False), 600, 1.5, 1, ("flow",), suppressed=True, day=20_000, told=3),
        model_version="v7",
        broken=True,
        seen_at=700,
        due_at=due_at,
        closing=800,
        silent_at=650,
        maintenance=(100, 200),
        learning=Learning((8, 10), 4, 6, 17, "fleet", True, True, "abc", "v6", "v7"),
    )


#: what release 0.1 wrote of three readings, one of them pending, and an open incident
FIRST_FORMAT = (
    b'{"slots": "CgAAAAAAAAALAAAAAAAAAAwAAAAAAAAA", "values": '
    b'"AAAAAAAASUAAAAAAAAAUQAAAAAAAAPh/AAAAAAAAFkAAAAAAAIBJQAAAAAAAABRA", "sensors": 2, "first_slot": 10, '
    b'"watermark": 11, "outcomes": {"decided": 9, "warming_up": 0, "duplicate": 0, "late": 1, "gap": 0}, '
    b'"messages": ["a", "b"], "tracker": [[true, false], 600, 1.5, 1], "model_version": "v7"}'
)
