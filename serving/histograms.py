"""Histograms for Prometheus that cost a request next to nothing: what they are told is counted later, in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

#: numbers that wait to be counted at most
_PENDING = 1024


class Histograms(Collector):  # type: ignore[misc] # it publishes no types
    """A histogram for each value of a label. Safe for threads.

    Args:
        name: of the metric.
        text: what is counted.
        label: its name.
        bounds: of the buckets, ascending; a number that equals a bound belongs below it.
    """

    def __init__(self, name: str, text: str, label: str, bounds: Sequence[float]) -> None:
        self._name, self._text, self._label = name, text, label
        self._bounds = np.array(bounds, dtype=np.float64)
        self._lock = Lock()
        self._pending: dict[str, list[float]] = {}
        self._counts: dict[str, np.ndarray] = {}
        self._sums: dict[str, float] = {}

    def add(self, key: str, values: Sequence[float]) -> None:
        """Counts values for this value of the label; none show that there is such a one."""
        with self._lock:
            pending = self._pending.setdefault(key, [])
            pending.extend(values)
            if len(pending) >= _PENDING:
                self._count(key)

    def _count(self, key: str) -> None:
        values = np.array(self._pending[key])
        counts = np.bincount(self._bounds.searchsorted(values, side="left"), minlength=len(self._bounds) + 1)
        self._counts[key] = self._counts.get(key, 0) + counts
        self._sums[key] = self._sums.get(key, 0.0) + float(values.sum())
        self._pending[key].clear()

    def counts(self) -> dict[str, np.ndarray]:
        """How many there were in each bucket (len(bounds) + 1), by the label's value."""
        with self._lock:
            for key in self._pending:
                self._count(key)
            return dict(self._counts)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        bounds = [*(str(float(b)) for b in self._bounds), "+Inf"]
        for key, counts in self.counts().items():
            buckets = list(zip(bounds, np.cumsum(counts).astype(float).tolist(), strict=True))
            family.add_metric([key], buckets, self._sums[key])
        yield family
