"""Falsified days of a meter that a denoising network learns to take away.

The forms are those of the literature (Jokar, Arianpoo and Leung, "Electricity Theft Detection in AMI Using Customers'
Consumption Patterns", IEEE Transactions on Smart Grid 7 (1), 2016), in wider ranges: less by a share, nothing for some
hours, a random share of each hour or of the mean, the mean in each hour, and the day from its end. A window's rows are
days, and the day's values are its inputs that are a logarithm of one value each; all other inputs of the same day
follow from those.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aiot_anomaly.derived import Log
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.scoring import mask
from aiot_anomaly.series import Float

#: the share of the consumption that is still metered, at least and at most
SHARES = (0.05, 0.85)
LEAST_OFF = 1 / 8  # of a day
#: windows that are falsified together: what is held in memory
BLOCK = 4096

Falsify = Callable[[Float, np.random.Generator], Float]


def scaled(days: Float, rng: np.random.Generator) -> Float:
    """(n, D, H) less by one share for each window."""
    return days * rng.uniform(*SHARES, size=(len(days), 1, 1))


def cut_off(days: Float, rng: np.random.Generator) -> Float:
    """(n, D, H) nothing for a stretch of each day."""
    n, count, hours = days.shape
    least = max(1, round(LEAST_OFF * hours))
    start = rng.integers(0, hours - least, size=(n, count, 1), endpoint=True)
    stop = start + rng.integers(least, hours, size=(n, count, 1), endpoint=True)
    hour = np.arange(hours)
    return np.where((hour >= start) & (hour < stop), 0.0, days)


def random_shares(days: Float, rng: np.random.Generator) -> Float:
    """(n, D, H) a share of its own of each value."""
    return days * rng.uniform(*SHARES, size=days.shape)


def random_shares_of_mean(days: Float, rng: np.random.Generator) -> Float:
    """(n, D, H) random shares of each day's mean."""
    return random_shares(flattened(days, rng), rng)


def flattened(days: Float, _: np.random.Generator) -> Float:
    """(n, D, H) each day's mean."""
    return np.broadcast_to(days.mean(axis=2, keepdims=True), days.shape)


def reversed_days(days: Float, _: np.random.Generator) -> Float:
    """(n, D, H) each day from its end."""
    return days[:, :, ::-1]


FORMS: tuple[Falsify, ...] = (scaled, cut_off, random_shares, random_shares_of_mean, flattened, reversed_days)


def columns(profile: Profile) -> list[int]:
    """The columns of a window that hold a day's values, in order of time.

    Raises:
        TrainingError: the profile has none.
    """
    single = [
        (log.ago, len(profile.sensors) + i)
        for i, log in enumerate(profile.derived)
        if isinstance(log, Log) and log.quantity == "mean" and log.span == 1
    ]
    ordered = sorted(single, reverse=True)
    if not ordered or [ago for ago, _ in ordered] != list(range(len(ordered)))[::-1]:
        raise TrainingError(
            f"profile {profile.name}: expected a derived input of kind log, with span 1, for each value of a day "
            f"(ago 0, 1, 2, …); found ago {[ago for ago, _ in ordered][::-1]}"
        )
    return [column for _, column in ordered]


def corrupt(
    profile: Profile, windows: Float, level: Float, scale: Float, rng: np.random.Generator, *, share: float = 0.7
) -> Float:
    """Falsifies a share of the windows, each in one form, from a day on until its end.

    Args:
        profile: the kind of device.
        windows: (n, T, F) standardised.
        level: (n, T, F) the normal level that they were standardised with.
        scale: (n, T, F) and the scale.
        rng: source of randomness.
        share: of the windows that are falsified.

    Returns:
        (n, T, F) falsified copies, standardised and clipped as the model's inputs are.
    """
    parts = [slice(at, at + BLOCK) for at in range(0, len(windows), BLOCK)]
    return np.concatenate([_corrupt(profile, windows[p], level[p], scale[p], rng, share) for p in parts])


def _corrupt(
    profile: Profile, windows: Float, level: Float, scale: Float, rng: np.random.Generator, share: float
) -> Float:
    n, count, _ = windows.shape
    of_day, inputs = columns(profile), windows * scale + level
    logs = {c: d for c, d in enumerate(profile.derived, len(profile.sensors)) if isinstance(d, Log)}
    true = np.stack([logs[c].undone(inputs[:, :, c]) for c in of_day], axis=2)
    form = rng.integers(len(FORMS), size=n)
    falsified = true.copy()
    for i, falsify in enumerate(FORMS):
        falsified[form == i] = falsify(true[form == i], rng)
    # two in five began before the window
    onset = np.where(rng.random(n) < 0.4, 0, rng.integers(count, size=n))
    falsifying = np.asarray(rng.random(n) < share)
    active = (np.arange(count) >= onset[:, None]) & falsifying[:, None]
    result, clip = windows.copy(), profile.scoring.clip
    for column, log in logs.items():
        if log.memory < len(of_day):
            z = (_logarithm(log, falsified) - level[:, :, column]) / scale[:, :, column]
            result[:, :, column] = np.where(active, np.clip(z, -clip, clip), result[:, :, column])
    return result * mask(profile)


def _logarithm(log: Log, days: Float) -> Float:
    """(n, D) the derived input of days (n, D, H), which it does not look back beyond."""
    stop = days.shape[2] - log.ago
    values = days[:, :, stop - log.span : stop]
    if log.quantity == "steps":
        values = np.abs(np.diff(values, axis=2))
    return log.taken(values.mean(axis=2))
