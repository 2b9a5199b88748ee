"""Ways to score: the network's, and the simple ones that stand beside it in every table.

Each is a `Residuals` function: windows and a calibration in; level, residual and last residual out,
standardised. So all share calibration, scoring and threshold, and only the model differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.decomposition import PCA

from aiot_anomaly import scoring
from aiot_anomaly.calibration import Calibration, Residuals, complete
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.dataset import Dataset, Device
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.fit import Example, standardise
from aiot_anomaly.windows import Windows


def no_network(profile: Profile) -> Residuals:
    """The same scoring with the network removed: what the level alone tells.

    two_sided: the Mahalanobis distance of a moving average. directed: the signed level, which for a water
    district is the utilities' flow rule, with pressures.
    """

    def residuals(windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        z = standardise(profile, windows, calibration)
        level = z[:, -profile.scoring.last_steps :].mean(axis=1)
        return level, np.zeros_like(level), z[:, -1]

    return residuals


def pca(profile: Profile, examples: Sequence[Example], components: int) -> Residuals:
    """The same scoring with a linear autoencoder in the network's place: PCA of the flattened windows."""
    z = np.concatenate([standardise(profile, e.windows, e.calibration) for e in examples])
    flat = z.reshape(len(z), -1)
    model = PCA(n_components=min(components, *flat.shape), random_state=0).fit(flat)

    def residuals(windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        z = standardise(profile, windows, calibration)
        flat = z.reshape(len(z), -1)
        difference = (flat - model.inverse_transform(model.transform(flat))).reshape(z.shape) * scoring.mask(profile)
        last = profile.scoring.last_steps
        return z[:, -last:].mean(axis=1), difference[:, -last:].mean(axis=1), difference[:, -1]

    return residuals


def raw_scores(profile: Profile, residuals: Residuals, windows: Windows, calibration: Calibration) -> Float:
    """(n,) scores of complete windows before the threshold."""
    level, residual, _ = residuals(windows, calibration)
    if profile.scoring.kind == "two_sided":
        return scoring.two_sided(level, residual, calibration.weights, calibration.score_scale)
    return scoring.directed(level, residual, calibration.weights, float(calibration.score_scale[0]))


def calibrate(profile: Profile, device: Device, residuals: Residuals, model_version: str = "") -> Calibration:
    """A device's calibration from all of its training windows."""
    return complete(profile, device.train(), residuals, model_version)


def threshold(dataset: Dataset, residuals: Residuals, share: float) -> tuple[float, Float]:
    """One threshold for all devices, from rows that neither weights nor calibration were fitted on.

    Where the network learned from the same devices, these rows have chosen its best epoch.

    Each pooled device is calibrated without its held-back rows, which are then scored; the threshold is the
    profile's quantile of all those scores, times its margin.

    Args:
        dataset: the devices.
        residuals: how windows are judged.
        share: of each device's training windows that is held back.

    Returns:
        The threshold, and the scores that it stands on.
    """
    profile = dataset.profile
    scores = []
    for device in dataset.pooled():
        calibration = complete(profile, device.fitting(share), residuals, "")
        scores.append(raw_scores(profile, residuals, device.held_back(share), calibration))
    pooled = np.concatenate(scores)
    value = float(np.quantile(pooled, profile.threshold.quantile)) * profile.threshold.margin
    return max(value, 1e-6), pooled


def score_test(
    dataset: Dataset,
    residuals: Residuals,
    value: float,
    calibrations: Mapping[str, Calibration] | None = None,
) -> list[Scored]:
    """Scores each device's test part; 1.0 is the threshold `value`.

    Without `calibrations` each device is calibrated on its training windows.
    """
    results = []
    for device in dataset.monitored():
        windows, labels = device.test()
        own = (calibrations or {}).get(device.device_id) or calibrate(dataset.profile, device, residuals)
        scores = np.full(len(windows), np.nan)
        if windows.complete.any():
            complete_ones = windows.only(windows.complete)
            scores[windows.complete] = raw_scores(dataset.profile, residuals, complete_ones, own) / value
        results.append(Scored(device.device_id, windows.ends, scores, labels))
    return results


def all_ones(scored: Sequence[Scored]) -> list[Scored]:
    """Every row an alarm: what a metric is worth without any knowledge."""
    return [Scored(s.device_id, s.ends, np.full(len(s.ends), 2.0), s.labels) for s in scored]
