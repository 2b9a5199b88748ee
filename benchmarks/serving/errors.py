"""What stops the benchmark."""

from __future__ import annotations

from aiot_anomaly.errors import AIoTError


class BenchmarkError(AIoTError):
    """A server cannot be measured, or what was measured cannot be told."""

    code = "benchmark_failed"
