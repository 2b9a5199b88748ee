"""Textbook methods that judge all inputs at once, in either direction."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from aiot_anomaly import scoring
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.baselines import normal
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.judging import Judge
from aiot_anomaly.windows import season_slots

#: share of the variance that the kept components explain
EXPLAINED = 0.9
TREES = 100


def mahalanobis(profile: Profile, length: int | None = None) -> Judge:
    """The Mahalanobis distance of a moving average.

    The covariance is shrunk and has the ridge of the profile's own scoring.

    Args:
        profile: the kind of device.
        length: grid intervals of the average; as many as the profile's scoring averages over if not given.
    """
    span = length or normal.averaging(profile)

    def judge(device: Device, until: int, ends: Int) -> Float:
        rows = normal.deviations(profile, device, until, span)
        known = _known(profile, device, rows, until, span)
        c = scoring.covariance(known) + profile.scoring.ridge * np.eye(rows.shape[1])
        centred = normal.at_ends(profile, device, rows, ends) - known.mean(axis=0)
        return np.asarray(np.sqrt(np.einsum("ni,ij,nj->n", centred, np.linalg.inv(c), centred)))

    return judge


def t2_and_q(profile: Profile, length: int | None = None) -> Judge:
    """Hotelling's T² in the space of the principal components and Q, the squared error outside of it.

    Each is divided by its 99 % quantile on normal rows, and they are added: the combined index of Yue & Qin (2001),
    Reconstruction-based fault identification using a combined index.

    Args:
        profile: the kind of device.
        length: grid intervals of the moving average, 1 for single rows; as many as the profile's scoring averages over
            if not given.
    """
    span = length or normal.averaging(profile)

    def judge(device: Device, until: int, ends: Int) -> Float:
        rows = normal.deviations(profile, device, until, span)
        known = _known(profile, device, rows, until, span)
        model = PCA(svd_solver="covariance_eigh").fit(known)
        explained = np.cumsum(model.explained_variance_) / max(float(model.explained_variance_.sum()), 1e-12)
        kept = int(np.searchsorted(explained, EXPLAINED)) + 1
        components, variance = model.components_[:kept], np.maximum(model.explained_variance_[:kept], 1e-9)

        def parts(of: Float) -> tuple[Float, Float]:
            centred = of - model.mean_
            inside = centred @ components.T
            return (inside**2 / variance).sum(axis=1), ((centred - inside @ components) ** 2).sum(axis=1)

        # without a dimension outside of the components Q is rounding, and says nothing
        limits = [max(float(np.quantile(part, 0.99)), 1e-9) for part in parts(known)]
        t2, q = parts(normal.at_ends(profile, device, rows, ends))
        return np.sqrt(t2 / limits[0] + q / limits[1])

    return judge


def isolation_forest(profile: Profile, seed: int = 0) -> Judge:
    """An isolation forest (Liu, Ting & Zhou 2008) on each window's mean, deviation, recent mean and last row.

    The forest's score lies between 0 and 1, where a threshold's margin would have no meaning; so the lowest score of a
    normal window is its zero.
    """

    def features(z: Float) -> Float:
        recent = z[:, -profile.scoring.last_steps :]
        return np.hstack([z.mean(axis=1), z.std(axis=1), recent.mean(axis=1), z[:, -1]])

    def judge(device: Device, until: int, ends: Int) -> Float:
        windows, columns = device.windows, list(profile.scored_inputs)
        slots, values = season_slots(profile, windows.ends), windows.values[:, :, columns]
        known = windows.complete & (windows.ends <= until)
        level = normal.fit(profile, values[:, -1], slots[:, -1], known)
        forest = IsolationForest(n_estimators=TREES, random_state=seed)
        ordinary = features(level.standardise(values[known], slots[known]))
        lowest = float(np.min(-forest.fit(ordinary).score_samples(ordinary)))
        at = np.searchsorted(windows.ends, ends)
        complete = windows.complete[at]
        scores = np.full(len(ends), np.nan)
        if complete.any():
            chosen = at[complete]
            judged = features(level.standardise(values[chosen], slots[chosen]))
            scores[complete] = np.maximum(-forest.score_samples(judged) - lowest, 0.0)
        return scores

    return judge


def _known(profile: Profile, device: Device, rows: Float, until: int, span: int) -> Float:
    known = rows[normal.known(profile, device, until, span) & np.isfinite(rows).all(axis=1)]
    if len(known) < normal.FEWEST_ROWS:
        raise TrainingError(
            f"{device.device_id}: {len(known)} averaged normal rows, expected at least {normal.FEWEST_ROWS}: give more "
            f"normal readings, or a shorter average"
        )
    return known
