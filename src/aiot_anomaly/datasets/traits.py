"""What sensors are like by nature: counting, drifting, resting, alike from day to day; and how long they remember.

Each looks at the training parts of all devices, a list of arrays (n, S) on the grid, NaN where nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

DAY_S, HOUR_S = 86_400, 3600
Grid = NDArray[np.float64]

#: a counter falls at no more than this share of its steps (it is exchanged, or overflows) and rises at more than that
FALLS, RISES = 0.001, 0.02
FEWEST_RISES = 20
#: a level drifts where the halves of the training part lie this many of their own deviations apart (a ramp: 3.5) …
DRIFT = 2.5
#: … and one value tells the next one
SMOOTH = 0.9
#: the day explains a sensor where the usual day of one half of the recording is as alike as this to the other half's
DAILY = 0.4
#: it is slow where most of it comes at most so often a day
SLOW = 4
#: fewest days that this is told from
DAILY_DAYS = 4
#: a sensor has a cycle where it is as alike to itself as this a cycle before; and the longest that is looked for
CYCLIC, LONGEST_PERIOD = 0.3, 600
#: devices that are looked at
MOST_PARTS = 50


def counting(parts: Sequence[Grid]) -> NDArray[np.bool_]:
    """(S,) True for what only rises: an energy or water counter, hours of operation."""
    falls, rises, steps = (np.zeros(parts[0].shape[1]) for _ in range(3))
    for part in parts[:MOST_PARTS]:
        step = np.diff(part, axis=0)
        falls += (step < 0).sum(axis=0)
        rises += (step > 0).sum(axis=0)
        steps += np.isfinite(step).sum(axis=0)
    return np.asarray((falls <= FALLS * steps) & (rises >= np.maximum(RISES * steps, FEWEST_RISES)))


def counted(part: Grid, counters: NDArray[np.bool_]) -> Grid:
    """(n, S) the same with what counters counted in each interval in their place."""
    steps = np.vstack([np.full((1, part.shape[1]), np.nan), np.diff(part, axis=0)])
    return np.where(counters, steps, part)


def drifting(parts: Sequence[Grid], *, span: int) -> NDArray[np.bool_]:
    """(S,) True where the level drifts: smooth, and elsewhere in the second half; none in parts of < 4 `span` rows."""
    parts = [p for p in parts if len(p) >= 4 * span][:MOST_PARTS]
    if not parts:
        return np.zeros(0, dtype=bool)
    apart, smooth = [], []
    for part in parts:
        halves = part[: len(part) // 2], part[len(part) // 2 :]
        within = np.sqrt((deviation(halves[0]) ** 2 + deviation(halves[1]) ** 2) / 2)
        apart.append(np.abs(mean(halves[0]) - mean(halves[1])) / np.maximum(within, 1e-300))
        smooth.append(likeness(part, 1))
    drifts = (np.median(apart, axis=0) > DRIFT) & (np.median(smooth, axis=0) > SMOOTH)
    # a step between two set points is no drift: its change is nothing most of the time
    moves = np.mean([np.mean(np.abs(np.diff(p, axis=0)) > 0, axis=0) for p in parts], axis=0) > 0.1
    return np.asarray(drifts & moves)


def resting(parts: Sequence[Grid]) -> NDArray[np.bool_]:
    """(S,) True for what never moves: nothing says which of its states are normal, nor how far apart they are."""
    moves = [(np.abs(np.diff(p, axis=0)) > 0).any(axis=0) for p in parts]
    return np.asarray(~np.any(moves, axis=0))


def daily(parts: Sequence[Grid], interval_s: int) -> NDArray[np.bool_]:
    """(S,) True where the hour of the day explains the sensor, beside its slower ups and downs.

    The usual day of one half of the recording is compared with the other half: a sensor that merely wanders has none.
    """
    day = DAY_S // interval_s
    if DAY_S % interval_s or day < 4:
        return np.zeros(parts[0].shape[1], dtype=bool)
    alike = [_daily(p[: len(p) // day * day], day) for p in parts[:MOST_PARTS] if len(p) >= DAILY_DAYS * day]
    return np.asarray(np.mean(alike, axis=0) > DAILY) if alike else np.zeros(parts[0].shape[1], dtype=bool)


def _daily(part: Grid, day: int) -> NDArray[np.float64]:
    """(S,) correlation between whole days of the second half and the usual day of the first."""
    hours = min(24, day)
    days = part[: len(part) // day * day].reshape(len(part) // day, day, -1)
    # hourly means, each day less its own mean: what is slower than a day is no rhythm of the day
    bounds = np.linspace(0, day, hours + 1).astype(int)
    means = np.stack([mean(days[:, a:b].swapaxes(0, 1)) for a, b in pairwise(bounds)], axis=1)
    known = np.stack([np.isfinite(days[:, a:b]).any(axis=1) for a, b in pairwise(bounds)], axis=1)
    means = np.where(known, means, np.nan)
    means = means - mean(means.swapaxes(0, 1))[:, None, :]
    half = len(means) // 2
    usual = mean(means[:half])
    # an engine that runs every hour also repeats after a day; the day's own rhythm is slow
    power = np.abs(np.fft.rfft(usual, axis=0)) ** 2
    slow = power[1 : SLOW + 1].sum(axis=0) > 0.5 * power[1:].sum(axis=0)
    return np.where(slow, likeness_of(np.broadcast_to(usual, means[half:].shape), means[half:]), 0.0)


def likeness_of(a: Grid, b: Grid) -> NDArray[np.float64]:
    """(S,) cosine of two arrays (…, S) where both have values; 0 where one does not vary."""
    both = np.isfinite(a) & np.isfinite(b)
    axes = tuple(range(a.ndim - 1))
    product = np.where(both, a * b, 0.0).sum(axis=axes)
    power = np.sqrt(np.where(both, a * a, 0.0).sum(axis=axes) * np.where(both, b * b, 0.0).sum(axis=axes))
    return np.asarray(product / np.maximum(power, 1e-300))


def likeness(part: Grid, lag: int) -> NDArray[np.float64]:
    """(S,) autocorrelation at a lag; 0 where a sensor does not vary."""
    centred = part - mean(part)
    return likeness_of(centred[lag:], centred[:-lag])


def memory(part: Grid) -> int:
    """Over how many points the sensors remember: where their autocorrelation falls below 1/e; the middle sensor's."""
    varying = deviation(part) > 0
    lengths = np.full(part.shape[1], 60)
    for lag in (60, 45, 30, 20, 15, 10, 7, 5, 4, 3, 2, 1):
        if lag < len(part) // 2:
            lengths[likeness(part, lag) < 1 / math.e] = lag
    return int(np.median(lengths[varying])) if varying.any() else 1


def period(part: Grid) -> int:
    """Points of a cycle that a quarter of the sensors share, as of a pump between two levels; 0 where there is none.

    The autocorrelation falls below 0 and comes back: a cycle is as long as it takes to be alike again, the first time.
    """
    most = min(LONGEST_PERIOD, len(part) // 10)
    found, varying = list[int](), np.flatnonzero(deviation(part) > 0)
    for alike in (_autocorrelation(part[:, i], most) for i in varying):
        below = int(np.argmax(alike < 0)) if (alike < 0).any() else most
        peak = float(alike[below:].max(initial=0.0))
        if peak < CYCLIC:
            continue
        start = below + int(np.argmax(alike[below:] > 0.8 * peak))
        lag = start + int(np.argmax(alike[start : start + start // 4 + 1]))
        # at the last lag it still rises: the cycle is longer
        if lag < most:
            found.append(lag)
    return int(np.median(found)) if found and len(found) >= 0.25 * len(varying) else 0


def _autocorrelation(column: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """(most + 1,) at each lag, of the values that there are in a column (n,) that varies."""
    known = np.isfinite(column)
    centred = np.where(known, column - column[known].mean(), 0.0)
    both, pairs = (
        np.fft.irfft(np.abs(np.fft.rfft(of, 2 * len(of))) ** 2)[: most + 1] for of in (centred, known.astype(float))
    )
    alike = both / np.maximum(pairs, 1.0)
    return np.asarray(alike / alike[0])


def mean(part: Grid) -> NDArray[np.float64]:
    """Of the values that there are along the first axis; 0 where there is none."""
    finite = np.isfinite(part)
    return np.asarray(np.where(finite, part, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1))


def deviation(part: Grid) -> NDArray[np.float64]:
    """(S,) standard deviation of the values that there are; 0 where there is none."""
    finite = np.isfinite(part)
    squares = np.where(finite, (part - mean(part)) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.sqrt(squares / np.maximum(finite.sum(axis=0), 1)))
