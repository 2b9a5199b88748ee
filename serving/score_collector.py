"""The distribution of scores as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from serving.histograms import Histograms

#: 1.0 is the threshold
_BOUNDS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2, 3, 5, 10)


class ScoreCollector(Histograms):
    """A histogram of the scores for each model, and from it how many windows and how many anomalous ones."""

    def __init__(self) -> None:
        super().__init__("aiot_score", "Scores; 1.0 is the threshold.", "model", _BOUNDS)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        windows = CounterMetricFamily("aiot_windows", "Windows scored.", labels=["model"])
        anomalies = CounterMetricFamily("aiot_anomalies", "Windows that were anomalous.", labels=["model"])
        for model, counts in self.counts().items():
            windows.add_metric([model], float(counts.sum()))
            anomalies.add_metric([model], float(counts[_BOUNDS.index(1.0) + 1 :].sum()))
        yield from (windows, anomalies, *super().collect())
