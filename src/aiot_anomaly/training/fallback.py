"""A device's own calibration against the fleet's, which a device has that nobody calibrated yet."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiot_anomaly.calibration import Calibration, Residuals, complete
from aiot_anomaly.training import candidates
from aiot_anomaly.training.dataset import Dataset
from aiot_anomaly.training.packaging import pool
from aiot_anomaly.training.thresholds.held_back import HeldBack

#: windows that the fleet's calibration is computed from here
FLEET_WINDOWS = 5000


def fleet_calibration(dataset: Dataset, residuals: Residuals, share: float) -> Calibration:
    """What is normal for the pooled devices together, without the held-back `share` of their training windows."""
    parts = [d.fitting(share) for d in dataset.pooled()]
    return complete(dataset.profile, pool(parts, FLEET_WINDOWS), residuals, "")


def by_fleet(dataset: Dataset, residuals: Residuals, share: float) -> HeldBack:
    """Held-back scores as if no device had a calibration of its own; each is part of the fleet that judges it."""
    fleet = fleet_calibration(dataset, residuals, share)
    return candidates.held_back(dataset, residuals, share, {d.device_id: fleet for d in dataset.pooled()})


def beside(own: HeldBack, fleet: HeldBack, value: float) -> pd.DataFrame:
    """One line a device: its normal windows by its own calibration and by the fleet's, at the threshold `value`.

    Columns for each of both: above (share of windows, all of them false alarms); 99 % (that quantile of its scores, in
    thresholds); median (the same).
    """
    rows: dict[str, dict[str, float]] = {}
    for name, held in (("own", own), ("fleet", fleet)):
        for part in held.parts:
            scores = part.scores[np.isfinite(part.scores)] / value
            if len(scores):
                rows.setdefault(part.device_id, {}).update(
                    {
                        f"above, {name}": float(np.mean(scores > 1)),
                        f"99 %, {name}": float(np.quantile(scores, 0.99)),
                        f"median, {name}": float(np.median(scores)),
                    }
                )
    return pd.DataFrame.from_dict(rows, orient="index")
