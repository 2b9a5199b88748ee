"""The notebooks' pictures: each function takes data and returns a matplotlib figure.

Colours can be told apart by everybody (Okabe & Ito 2008, Color Universal Design).
"""

from aiot_anomaly.training.plots.comparing import differences, precision_recall, scores_over_time
from aiot_anomaly.training.plots.network import latent, losses, reconstruction, residual_by_sensor, response
from aiot_anomaly.training.plots.recordings import (
    autocorrelations,
    completeness,
    correlation,
    daily_shape,
    distributions,
    label_shifts,
    sensors,
)
from aiot_anomaly.training.plots.thresholds import (
    budget,
    cost,
    held_back_scores,
    missed_by_size,
    own_against_fleet,
    tails,
)

__all__ = [
    "autocorrelations",
    "budget",
    "completeness",
    "correlation",
    "cost",
    "daily_shape",
    "differences",
    "distributions",
    "held_back_scores",
    "label_shifts",
    "latent",
    "losses",
    "missed_by_size",
    "own_against_fleet",
    "precision_recall",
    "reconstruction",
    "residual_by_sensor",
    "response",
    "scores_over_time",
    "sensors",
    "tails",
]
