"""From residuals to one number, in numpy: the reference that the graph in the bundle must agree with.

`two_sided` (`Scoring.kind` of the profile), higher when more anomalous and never negative:

s = sqrt(a m'Pm / q_level + e'Re / q_shape), with a the `level_weight`, m the mean of the last standardised inputs, e
the mean of the last residuals of the network, P and R the inverses of their regularised covariances in normal
operation: a Mahalanobis distance of the level beside one of what the network cannot explain, or has taken away.

Inputs may be whitened: standardised ones times the inverse root of their covariance, the one that stays closest to
them (Kessy, Lewin & Strimmer 2018, Optimal whitening and decorrelation: ZCA-cor). Each then stands for what its sensor
says that the others do not, so a distance is shared out by them as in Garthwaite & Koch (2016), Evaluating the
contributions of individual variables to a quadratic form.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float

#: one or many of them
_Numbers = TypeVar("_Numbers", float, Float)


def direction(profile: Profile, scale: Float) -> Float:
    """(F,) the way an anomaly moves the standardised inputs: sign × smallest deviation / scale (F,)."""
    signs = {"up": 1.0, "down": -1.0, "both": 0.0}
    sensors = [profile.sensors[i] for i in profile.input_sensor]
    delta = np.array([signs[s.direction] * s.smallest_deviation for s in sensors]) / scale
    return delta * mask(profile)


def whitening(profile: Profile, rows: Float) -> Float:
    """(2, F, F) from standardised `rows` (n, F) to uncorrelated ones of deviation 1, and back; symmetric.

    Both are zero for inputs that are not scored. The covariance has the profile's ridge, which bounds by how much a
    small deviation from what goes together is enlarged.
    """
    chosen = np.array(profile.scored_inputs)
    c = covariance(rows[:, chosen]) + profile.scoring.ridge * np.eye(len(chosen))
    values, vectors = np.linalg.eigh(c)
    result = np.zeros((2, rows.shape[1], rows.shape[1]))
    for i, power in enumerate((-0.5, 0.5)):
        result[i][np.ix_(chosen, chosen)] = (vectors * values**power) @ vectors.T
    return result


def mask(profile: Profile) -> Float:
    """(F,) 1 for a scored input, 0 for one that is only carried along."""
    result = np.zeros(len(profile.input_names))
    result[list(profile.scored_inputs)] = 1.0
    return result


def covariance(rows: Float) -> Float:
    """The Ledoit-Wolf shrunk covariance of `rows` (n, F) about their mean.

    Ledoit & Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices; in numpy
    so that a service without scikit-learn can calibrate a device (a test holds it against scikit-learn's).
    """
    n, f = rows.shape
    centred = rows - rows.mean(axis=0)
    sample = centred.T @ centred / n
    mean_variance = np.trace(sample) / f
    distance = np.sum((sample - mean_variance * np.eye(f)) ** 2) / f
    squares = centred**2
    error = (np.sum(squares.T @ squares) / n - np.sum(sample**2)) / (n * f)
    shrinkage = 0.0 if distance == 0 else min(1.0, max(0.0, error) / distance)
    return np.asarray((1 - shrinkage) * sample + shrinkage * mean_variance * np.eye(f))


def precision(profile: Profile, rows: Float) -> Float:
    """(F, F) inverse of the regularised covariance of `rows` (n, F); zero for inputs that are not scored."""
    chosen = np.array(profile.scored_inputs)
    c = covariance(rows[:, chosen]) + profile.scoring.ridge * np.eye(len(chosen))
    result = np.zeros((rows.shape[1], rows.shape[1]))
    result[np.ix_(chosen, chosen)] = np.linalg.inv(c)
    return result


def distance(rows: Float, precision_: Float) -> Float:
    """(n,) squared Mahalanobis distance x'Px of `rows` (n, F) from zero."""
    return np.asarray(np.einsum("ni,ij,nj->n", rows, precision_, rows))


def two_sided(level: Float, residual: Float, precisions: Float, scales: Float, *, level_weight: float = 1.0) -> Float:
    """(n,) raw two-sided scores; `precisions` (2, F, F) holds P and R, `scales` (2,) q_level and q_shape."""
    parts = [distance(rows, p) / q for rows, p, q in zip((level, residual), precisions, scales, strict=True)]
    return np.asarray(np.sqrt(level_weight * parts[0] + parts[1]))


def threshold_factor(sensitivity: float) -> float:
    """What a threshold is multiplied by at a sensitivity from 0 to 100.

    1 at 50, halved every 25 above and doubled every 25 below: so from 4 at 0 to 1/4 at 100, and never more alarms at a
    lower sensitivity.
    """
    return float(2.0 ** ((50.0 - sensitivity) / 25.0))


def severity(score: _Numbers) -> _Numbers:
    """0 … 1 for a calibrated score, or for each of many: 0 at 0, 0.5 at the threshold (1.0), towards 1 beyond."""
    squared = score * score
    return squared / (1.0 + squared)
