"""The code layer: the few numbers that the network makes of a window, and a map of them in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.fit import standardise
from aiot_anomaly.training.network import clock_table
from aiot_anomaly.windows import Windows, season_slots

#: name of the bottleneck in `aiot_anomaly.training.network`
LAYER = "code"
#: windows of each kind that a map shows
MOST_WINDOWS = 3000
_BLOCK = 1024

#: one device's complete windows, and the calibration by which they are standardised
Part = tuple[Windows, Calibration]


def codes(profile: Profile, network: Any, parts: Sequence[Part]) -> Float:
    """(n, C) what the bottleneck holds of complete windows, one device's after the other's."""
    import keras  # noqa: PLC0415 - takes seconds; only those who train pay

    encoder = keras.Model(network.inputs, network.get_layer(LAYER).output)
    return _run(encoder, _inputs(profile, parts))


def unexplained(profile: Profile, network: Any, parts: Sequence[Part]) -> Float:
    """(D, F) share of each scored input's mean square that the network does not write, by device.

    F are the profile's `scored_inputs`; an input that a device's windows do not move from its level has NaN.
    """
    inputs, scored = _inputs(profile, parts), list(profile.scored_inputs)
    given = inputs[0][:, :, scored]
    made = _run(network, inputs)[:, :, scored]
    power, left = np.mean(given**2, axis=1), np.mean((given - made) ** 2, axis=1)
    ends = np.cumsum([len(w) for w, _ in parts])
    rows = [slice(end - len(w), end) for end, (w, _) in zip(ends, parts, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.stack([left[r].mean(axis=0) / power[r].mean(axis=0) for r in rows])
    return np.asarray(np.where(np.isfinite(shares), shares, np.nan))


def _run(model: Any, inputs: Sequence[Float]) -> Float:
    """What a Keras model makes of rows, called directly: `predict` would be traced anew for each use."""
    blocks = ([array[at : at + _BLOCK] for array in inputs] for at in range(0, len(inputs[0]), _BLOCK))
    return np.concatenate([np.asarray(model(block, training=False), dtype=np.float64) for block in blocks])


def _inputs(profile: Profile, parts: Sequence[Part]) -> list[Float]:
    z = np.concatenate([standardise(profile, w, c) for w, c in parts])
    clock = clock_table(profile)[season_slots(profile, np.concatenate([w.ends for w, _ in parts]))]
    return [z, clock] if clock.shape[-1] else [z]


@dataclass(frozen=True)
class Map:
    """Codes in the plane in which normal ones spread most.

    Attributes:
        normal: (n, 2) of held-back normal windows.
        later: (m, 2) of windows of the test part; it is not told here which are anomalous.
        explained: (2,) share of the normal codes' variance along each axis.
        outside: share of the later windows that are farther from the normal centre than 99 % of the normal ones.
    """

    normal: Float
    later: Float
    explained: Float
    outside: float


def project(normal: Float, later: Float) -> Map:
    """A principal component analysis of normal codes (n, C), and later ones (m, C) seen in its plane.

    `outside` counts in the plane, in the normal codes' deviations along each axis.
    """
    model = PCA(n_components=min(2, *normal.shape)).fit(normal)
    one, other = (_two(model.transform(c)) if len(c) else np.empty((0, 2)) for c in (normal, later))
    spread = np.maximum(one.std(axis=0), 1e-9)
    near, far = (np.linalg.norm(c / spread, axis=1) for c in (one, other))
    outside = float(np.mean(far > np.quantile(near, 0.99))) if len(far) else float("nan")
    return Map(one, other, _two(model.explained_variance_ratio_[None])[0], outside)


def _two(rows: Float) -> Float:
    """(n, 2) of (n, 1 or 2): a code of one number lies on a line."""
    return np.pad(rows, ((0, 0), (0, 2 - rows.shape[1])))


def thin(windows: Sequence[Windows], most: int = MOST_WINDOWS) -> list[Windows]:
    """Evenly fewer windows of each device, at most `most` in all."""
    total = sum(len(w) for w in windows)
    step = max(1, -(-total // most))
    return [w.only(np.arange(len(w)) % step == 0) for w in windows]
