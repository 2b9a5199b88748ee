"""Injected anomalies that a denoising network learns to take away."""

from __future__ import annotations

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.scoring import direction
from aiot_anomaly.series import Float


def corrupt(
    profile: Profile,
    windows: Float,
    scale: Float,
    rng: np.random.Generator,
    *,
    share: float = 0.7,
    repaired: float = 0.3,
    magnitude: tuple[float, float] = (0.3, 6.0),
) -> Float:
    """Moves a share of the windows in the direction of an anomaly.

    The shift starts before the window or inside it, has a log-uniform size in smallest deviations, and each
    sensor answers with its own uncertain part of it: no sensor's response is known beforehand.

    Args:
        profile: with `direction` and `smallest_deviation` for each sensor.
        windows: (n, T, F) standardised.
        scale: (n, F) physical units of one standardised unit.
        rng: source of randomness.
        share: of the windows that are corrupted.
        repaired: share of the anomalies that are over before the window's end.
        magnitude: smallest and largest size of the shift, in smallest deviations.

    Returns:
        (n, T, F) corrupted copies, clipped as the model's inputs are.
    """
    n, steps, width = windows.shape
    ways = np.stack([direction(profile, s) for s in np.unique(scale, axis=0)])
    index = np.unique(scale, axis=0, return_inverse=True)[1].reshape(-1)
    size = np.exp(rng.uniform(np.log(magnitude[0]), np.log(magnitude[1]), size=(n, 1)))
    response = rng.uniform(0.2, 1.8, size=(n, width))
    shift = ways[index] * size * response * (rng.random((n, 1)) < share)
    # half of the anomalies began before the window
    onset = np.where(rng.random(n) < 0.5, 0, rng.integers(0, steps, size=n))
    # and some were over before its end: what follows a repair is normal again
    end = np.where(rng.random(n) < repaired, rng.integers(onset, steps), steps)
    active = (np.arange(steps)[None, :] >= onset[:, None]) & (np.arange(steps)[None, :] <= end[:, None])
    return np.asarray(
        np.clip(windows + active[:, :, None] * shift[:, None, :], -profile.scoring.clip, profile.scoring.clip)
    )
