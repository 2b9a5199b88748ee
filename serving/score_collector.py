"""The distribution of scores as Prometheus metrics: counted by whole arrays, which costs a request nothing."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import numpy as np
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from aiot_anomaly.series import Float

#: 1.0 is the threshold
_BOUNDS = np.array([0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2, 3, 5, 10])
#: arrays that wait to be counted at most
_PENDING = 256


class ScoreCollector(Collector):  # type: ignore[misc] # it publishes no types
    """How many windows, how many anomalous ones, and a histogram of the scores, for each model. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: dict[str, list[Float]] = {}
        self._counts: dict[str, np.ndarray] = {}
        self._sums: dict[str, float] = {}

    def add(self, model: str, scores: Float) -> None:
        """Counts scores (n,)."""
        with self._lock:
            pending = self._pending.setdefault(model, [])
            pending.append(scores)
            if len(pending) >= _PENDING:
                self._count(model)

    def _count(self, model: str) -> None:
        if not self._pending[model]:
            # nothing was scored since it was last asked
            return
        scores = np.concatenate(self._pending[model])
        # a score that equals a bound belongs below it
        counts = np.bincount(np.searchsorted(_BOUNDS, scores, side="left"), minlength=len(_BOUNDS) + 1)
        self._counts[model] = self._counts.get(model, 0) + counts
        self._sums[model] = self._sums.get(model, 0.0) + float(scores.sum())
        self._pending[model] = []

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        windows = CounterMetricFamily("aiot_windows", "Windows scored.", labels=["model"])
        anomalies = CounterMetricFamily("aiot_anomalies", "Windows that were anomalous.", labels=["model"])
        histogram = HistogramMetricFamily("aiot_score", "Scores; 1.0 is the threshold.", labels=["model"])
        with self._lock:
            for model in self._pending:
                self._count(model)
                counts = self._counts[model]
                up_to = np.cumsum(counts)
                windows.add_metric([model], float(up_to[-1]))
                anomalies.add_metric([model], float(counts[_BOUNDS.searchsorted(1.0) + 1 :].sum()))
                bounds = [*(str(float(b)) for b in _BOUNDS), "+Inf"]
                buckets = list(zip(bounds, up_to.astype(float).tolist(), strict=True))
                histogram.add_metric([model], buckets, self._sums[model])
        yield from (windows, anomalies, histogram)
