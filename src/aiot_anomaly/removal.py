"""How much a denoising network takes away from a window, as one number: the scoring of the kind `removed`.

The network has learned to take away the kinds of anomaly that matter, and nothing from a normal window: of a meter's
day one that is too low, cut off, too smooth, too rough or turned around. So what it takes away is the evidence, in
either direction, and needs no normal covariance to be judged by. It is weighed as a mean absolute value, which large
single hours do not govern, twice: over the last rows, which tells at once, and over the whole window, which tells of
less. In numpy: the reference that the graph in the bundle must agree with.
"""

from __future__ import annotations

import numpy as np

from aiot_anomaly import scoring
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float


def weights(profile: Profile) -> Float:
    """(2F,) what each input counts: of the last rows, where they sum to 1, then of the whole window."""
    each = np.array([1.0] * len(profile.sensors) + [d.weight for d in profile.derived]) * scoring.mask(profile)
    each = each / each.sum()
    return np.concatenate([each, profile.scoring.whole_window * each])


def parts(profile: Profile, removed: Float) -> tuple[Float, Float, Float]:
    """The mean absolute values (n, F) of the last rows and of the whole window, and the last row (n, F) itself.

    Args:
        profile: the kind of device.
        removed: (n, T, F) what was taken away, standardised.
    """
    size = np.abs(removed)
    return size[:, -profile.scoring.last_steps :].mean(axis=1), size.mean(axis=1), removed[:, -1]


def scale(last: Float, whole: Float, weights_: Float) -> float:
    """What a device's scores are divided by, from parts (n, F) of its normal windows.

    The square root of their 99 % quantile: half of the way from one scale for all, which consumers whose days the
    network finds odd would not bear, to the device's own, by which one odd week would hide the next fraud.
    """
    return float(np.sqrt(np.quantile(score(last, whole, weights_, 1.0), 0.99)))


def score(last: Float, whole: Float, weights_: Float, scale: float) -> Float:
    """(n,) raw scores: the larger of what was taken from the last rows (n, F) and from the whole window (n, F)."""
    of_last, of_whole = np.split(weights_, 2)
    return np.asarray(np.maximum(last @ of_last, whole @ of_whole) / scale)
