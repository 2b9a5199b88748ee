"""Injected anomalies that a denoising network learns to take away.

What is not known beforehand is drawn: how large a shift is, when it begins and ends, and how much each sensor has of
it. What is known is used: the direction in which an anomaly moves some of the sensors, and that it stays of one size
in physical units while what is normal changes with the hour.
"""

from __future__ import annotations

import numpy as np

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.profile import Profile
from aiot_anomaly.scoring import direction
from aiot_anomaly.series import Float

#: a shift's largest share along the declared direction; the rest may lie anywhere
ALONG = 0.6
#: share of the shifts that began before the window, and of those that began in its last rows
BEFORE, JUST_NOW = 0.4, 0.15
LAST_ROWS = 6


def way(profile: Profile, calibration: Calibration) -> Float:
    """(F,) the unit vector in which an anomaly moves the network's inputs of a device; 0 where that is not known."""
    moved = direction(profile, calibration.scale.mean(axis=0))
    if profile.scoring.whiten:
        moved = moved @ calibration.whitening[0]
    return np.asarray(moved / max(float(np.linalg.norm(moved)), 1e-12))


def pace(profile: Profile, scale: Float) -> Float:
    """(n, T) the size of a constant shift at each row in its deviations there, relative to the mean hour's.

    Args:
        profile: the first sensor whose direction is declared is taken for the one that is shifted.
        scale: (n, T, F) physical units of one standardised unit.
    """
    declared = [i for i, sensor in enumerate(profile.sensors) if sensor.direction != "both"]
    if not declared:
        return np.ones(scale.shape[:2])
    of = scale[:, :, declared[0]]
    return np.asarray(np.exp(np.log(of).mean(axis=1, keepdims=True)) / of)


def corrupt(
    profile: Profile,
    windows: Float,
    pace_: Float,
    way_: Float,
    rng: np.random.Generator,
    *,
    share: float = 0.7,
    repaired: float = 0.45,
    magnitude: tuple[float, float] = (0.3, 6.0),
) -> Float:
    """Shifts a share of the windows as an anomaly would.

    A shift begins before the window, inside it or in its last rows, where the row in which it begins has a part of it
    only, as rows are means; it has a log-uniform size in deviations.

    Args:
        profile: at which deviation inputs are clipped.
        windows: (n, T, F) the network's inputs.
        pace_: (n, T) as of `pace`.
        way_: (n, F) as of `way`.
        rng: source of randomness.
        share: of the windows that are corrupted.
        repaired: share of the anomalies that are over before the window's end.
        magnitude: smallest and largest size of the shift, in deviations.

    Returns:
        (n, T, F) corrupted copies, clipped as the model's inputs are.
    """
    n, steps, width = windows.shape
    scored = np.abs(windows).max(axis=(0, 1)) > 0  # an input that is not scored is 0
    anywhere = rng.normal(size=(n, width)) * scored
    anywhere /= np.maximum(np.linalg.norm(anywhere, axis=1, keepdims=True), 1e-12)
    along = rng.uniform(0, ALONG, size=(n, 1)) * (np.linalg.norm(way_, axis=1, keepdims=True) > 0)
    size = np.exp(rng.uniform(np.log(magnitude[0]), np.log(magnitude[1]), size=n)) * (rng.random(n) < share)
    shift = size[:, None] * (along * way_ + np.sqrt(1 - along**2) * anywhere)
    drawn = rng.random(n)
    onset = np.where(drawn < BEFORE, 0, rng.integers(0, steps, size=n))
    late = drawn > 1 - JUST_NOW
    onset = np.where(late, steps - 1 - rng.integers(0, min(LAST_ROWS, steps), size=n), onset)
    # some were over before the end: what follows a repair is normal again
    end = np.where((rng.random(n) < repaired) & ~late, rng.integers(onset, steps), steps)
    row = np.arange(steps)
    active = ((row >= onset[:, None]) & (row <= end[:, None])).astype(np.float64)
    began = np.flatnonzero(onset > 0)
    active[began, onset[began]] *= rng.uniform(0.25, 1.0, size=len(began))
    shifted = windows + (active * pace_)[:, :, None] * shift[:, None, :]
    return np.asarray(np.clip(shifted, -profile.scoring.clip, profile.scoring.clip))
