"""From residuals to one number, in numpy: the reference that the graph in the bundle must agree with.

Two kinds (`Scoring.kind` of the profile), both higher when more anomalous and never negative:

- `two_sided`: s = sqrt(a m'Pm / q_level + e'Re / q_shape), with a the `level_weight`, m the mean of the last
  standardised inputs, e the mean of the last residuals of the network, P and R the inverses of their
  regularised covariances in normal operation: a Mahalanobis distance of the level beside one of what the network
  cannot explain.
- `directed`: s = max(0, w·v) / q, with v = [m, e], w ∝ (C + u² diag(δ²) + ridge·I)⁻¹ δ and C the covariance
  of v, the matched filter for the way δ in which an anomaly moves the sensors, both in their level and in what
  the network cannot explain (Kay 1998, Fundamentals of Statistical Signal Processing II, 4.4).
"""

from __future__ import annotations

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float


def direction(profile: Profile, scale: Float) -> Float:
    """(F,) the way an anomaly moves the standardised inputs: sign × smallest deviation / scale."""
    signs = {"up": 1.0, "down": -1.0, "both": 0.0}
    sensors = [profile.sensors[i] for i in profile.input_sensor]
    delta = np.array([signs[s.direction] * s.smallest_deviation for s in sensors]) / scale
    return delta * mask(profile)


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


def filter_weights(profile: Profile, level: Float, residual: Float, scale: Float) -> Float:
    """(2F,) the matched filter's weights, of unit length: for the level, then for the residual.

    Args:
        profile: declares each sensor's direction and smallest deviation.
        level: (n, F) of normal windows.
        residual: (n, F) of the same windows.
        scale: (F,) physical units of one standardised unit.
    """
    chosen = np.array(profile.scored_inputs)
    chosen = np.concatenate([chosen, chosen + level.shape[1]])
    delta = np.tile(direction(profile, scale), 2)[chosen]
    uncertain = profile.scoring.response_uncertainty**2 * np.diag(delta**2)
    c = covariance(np.hstack([level, residual])[:, chosen]) + uncertain + profile.scoring.ridge * np.eye(len(chosen))
    w = np.linalg.solve(c, delta)
    result = np.zeros(2 * level.shape[1])
    result[chosen] = w / np.linalg.norm(w)
    return result


def distance(rows: Float, precision_: Float) -> Float:
    """(n,) squared Mahalanobis distance x'Px of `rows` (n, F) from zero."""
    return np.asarray(np.einsum("ni,ij,nj->n", rows, precision_, rows))


def two_sided(level: Float, residual: Float, precisions: Float, scales: Float, *, level_weight: float = 1.0) -> Float:
    """(n,) raw two-sided scores; `precisions` (2, F, F) holds P and R, `scales` (2,) q_level and q_shape."""
    parts = [distance(rows, p) / q for rows, p, q in zip((level, residual), precisions, scales, strict=True)]
    return np.asarray(np.sqrt(level_weight * parts[0] + parts[1]))


def directed(level: Float, residual: Float, weights: Float, scale: float) -> Float:
    """(n,) raw directed scores."""
    return np.maximum(np.hstack([level, residual]) @ weights, 0.0) / scale


def severity(score: Float | float) -> Float:
    """0 … 1 for a calibrated score: 0 at 0, 0.5 at the threshold (1.0), towards 1 beyond."""
    squared = np.asarray(score, dtype=np.float64) ** 2
    return np.asarray(squared / (1.0 + squared))
