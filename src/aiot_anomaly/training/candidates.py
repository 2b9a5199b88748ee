"""Ways to score: the network's, and the simple ones that stand beside it in every table.

The closest are `Residuals` functions: windows and a calibration in; level, residual and last residual out,
standardised. These share calibration, scoring and threshold, and only the model differs. `beside` names all that a
profile's table holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.decomposition import PCA

from aiot_anomaly import removal, scoring
from aiot_anomaly.calibration import Calibration, Residuals, complete
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training import judging
from aiot_anomaly.training.baselines import multivariate, naive, trivial, utility
from aiot_anomaly.training.dataset import Dataset, Device
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.fit import Example, standard, standardise
from aiot_anomaly.training.judging import Baseline, Judge
from aiot_anomaly.training.thresholds.held_back import HeldBack
from aiot_anomaly.windows import Windows


def no_network(profile: Profile) -> Residuals:
    """The same scoring with the network removed: what the level alone tells.

    two_sided: the Mahalanobis distance of a moving average; all of the level is unexplained, whatever its weight beside
    the residual. removed: all that differs from the normal level.
    """

    def residuals(windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        z = standardise(profile, windows, calibration)
        if profile.scoring.kind == "removed":
            return removal.parts(profile, z)
        level = z[:, -profile.scoring.last_steps :].mean(axis=1)
        return level, level, standard(profile, z[:, -1], calibration)

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
        if profile.scoring.kind == "removed":
            return removal.parts(profile, difference)
        last = profile.scoring.last_steps
        return (
            z[:, -last:].mean(axis=1),
            difference[:, -last:].mean(axis=1),
            standard(profile, difference[:, -1], calibration),
        )

    return residuals


def raw_scores(profile: Profile, residuals: Residuals, windows: Windows, calibration: Calibration) -> Float:
    """(n,) scores of complete windows before the threshold."""
    level, residual, _ = residuals(windows, calibration)
    if profile.scoring.kind == "removed":
        return removal.score(level, residual, calibration.weights, float(calibration.score_scale[0]))
    weight = profile.scoring.level_weight
    return scoring.two_sided(level, residual, calibration.weights, calibration.score_scale, level_weight=weight)


def calibrate(profile: Profile, device: Device, residuals: Residuals, model_version: str = "") -> Calibration:
    """A device's calibration from all of its training windows."""
    return complete(profile, device.train(), residuals, model_version)


def by_residuals(
    profile: Profile, residuals: Residuals, calibrations: Mapping[str, Calibration] | None = None
) -> Judge:
    """The judge that scores as the service does, each device with its calibration.

    Args:
        profile: the kind of device.
        residuals: how windows are judged.
        calibrations: of devices that are not to be calibrated anew on their normal windows.
    """

    def judge(device: Device, until: int, ends: Int) -> Float:
        windows = device.windows
        own = (calibrations or {}).get(device.device_id) or complete(
            profile, windows.only(windows.complete & (windows.ends <= until)), residuals, ""
        )
        at = np.searchsorted(windows.ends, ends)
        scores = np.full(len(ends), np.nan)
        usable = windows.complete[at]
        if usable.any():
            chosen = np.isin(np.arange(len(windows)), at[usable])
            scores[usable] = raw_scores(profile, residuals, windows.only(chosen), own)
        return scores

    return judge


def threshold(dataset: Dataset, residuals: Residuals, share: float) -> tuple[float, Float]:
    """One threshold for all devices, from rows that neither weights nor calibration were fitted on.

    Where the network learned from the same devices, these rows have chosen its best epoch. The rule is
    `judging.threshold`'s.
    """
    return judging.threshold(dataset, by_residuals(dataset.profile, residuals), share)


def held_back(
    dataset: Dataset, residuals: Residuals, share: float, calibrations: Mapping[str, Calibration] | None = None
) -> HeldBack:
    """What that threshold stands on: `judging.held_back`'s scores, raw.

    With `calibrations` devices that have one there are not calibrated on their own windows before.
    """
    return judging.held_back(dataset, by_residuals(dataset.profile, residuals, calibrations), share)


def score_test(
    dataset: Dataset,
    residuals: Residuals,
    value: float,
    calibrations: Mapping[str, Calibration] | None = None,
) -> list[Scored]:
    """Scores each device's test part; 1.0 is the threshold `value`.

    Without `calibrations` each device is calibrated on its training windows.
    """
    return judging.score_test(dataset, by_residuals(dataset.profile, residuals, calibrations), value)


def beside(profile: Profile, examples: Sequence[Example], *, components: int, seed: int = 0) -> dict[str, Baseline]:
    """All that stands beside the network in the table of a profile, by name.

    The rules of utilities are there where their quantity is measured: see `baselines.utility`.

    Args:
        profile: the kind of device.
        examples: what the network learned from, for the linear autoencoder in its place.
        components: of that one.
        seed: of what is drawn.
    """
    seasonal = profile.season.kind == "hour_of_week"
    found = {
        "PCA autoencoder": Baseline(by_residuals(profile, pca(profile, examples, components))),
        "no network": Baseline(by_residuals(profile, no_network(profile))),
        "moving-average Mahalanobis": Baseline(multivariate.mahalanobis(profile)),
        "PCA T2 and Q": Baseline(multivariate.t2_and_q(profile)),
        "isolation forest": Baseline(multivariate.isolation_forest(profile, seed)),
        "seasonal naive" if seasonal else "persistence": Baseline(naive.naive(profile)),
    }
    if utility.has_night_flow(profile):
        night_flow = utility.minimum_night_flow(profile)
        found["minimum night flow"] = Baseline(night_flow)
        found["night level"] = Baseline(utility.night_level(profile))
        found["minimum night flow 3 sigma"] = Baseline(night_flow, utility.SIGMA)
    if utility.has_consumption(profile):
        found["consumption ratio"] = Baseline(utility.consumption_ratio(profile))
    return found | {
        "position only": Baseline(trivial.position()),
        "random": Baseline(trivial.random(profile, seed)),
        "every row an alarm": trivial.all_ones(),
    }
