"""The one error of the simulator, and files in those of the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiot_anomaly.errors import AIoTError


class SimulatorError(AIoTError):
    """What was asked for cannot be simulated or sent; the text says what to change."""

    code = "simulator"


@contextmanager
def named(file: object) -> Iterator[None]:
    """An OSError that comes without the name of its file, as one of writing does, leaves with this one."""
    try:
        yield
    except OSError as e:
        if e.filename is None:
            e.filename = str(file)
        raise
