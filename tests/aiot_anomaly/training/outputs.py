"""All that a graph says of windows, by its outputs' names."""

from __future__ import annotations

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.inference import Graph
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows


def outputs(graph: Graph, windows: Windows, calibration: Calibration, threshold: float) -> dict[str, Float]:
    """Scores and residuals."""
    level, residual, last = graph.residuals(windows, calibration)
    of_scores = graph.score(windows, calibration, threshold)._asdict()
    return {**of_scores, "level": level, "residual": residual, "last": last}
