"""The one error of the simulator."""

from __future__ import annotations

from aiot_anomaly.errors import AIoTError


class SimulatorError(AIoTError):
    """What was asked for cannot be simulated or sent; the text says what to change."""

    code = "simulator"
