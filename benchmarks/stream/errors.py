"""What can go wrong with a measurement."""

from __future__ import annotations

from aiot_anomaly.errors import AIoTError


class BenchmarkError(AIoTError):
    """A contender did not do what is measured; the text says which."""

    code = "benchmark"
