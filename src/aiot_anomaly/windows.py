"""Windows: what the model sees at once, and which rows of a series each of them decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import gcd

import numpy as np

from aiot_anomaly import preprocessing
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int, Series, on_grid

#: numbers that the windows of a block hold at most (32 MiB)
BLOCK_NUMBERS = 4 * 1024 * 1024
#: points of the grid that a block spans at most, beyond the history before it
BLOCK_ROWS = 16 * 1024
#: the season's slot of each hour of a week, from Monday 0:00: the hour of the day, + 24 on Saturday and Sunday
_HOUR_OF_WEEK = np.concatenate([np.tile(np.arange(24), 5), np.tile(np.arange(24, 48), 2)])


@dataclass(frozen=True)
class Windows:
    """The evaluated points of a series.

    Attributes:
        ends: (W,) times of the windows' last rows, seconds since 1970 UTC.
        values: (W, T, F) in physical units; a window that is not complete holds NaN.
        complete: (W,) True where no value is missing.
        out_of_range: (W, S) True where a reading that the window decides was out of the sensor's range.
        filled: (W, S) share of the sensor's readings in a complete window that were missing or out of range, so that
            the last one was held; None where windows came without their readings.
    """

    ends: Int
    values: Float
    complete: Bool
    out_of_range: Bool
    filled: Float | None = None

    def __len__(self) -> int:
        return len(self.ends)

    def only(self, chosen: Bool | Int) -> Windows:
        """Those windows where `chosen` (W,) is True, or of which it holds the positions."""
        return Windows(
            self.ends[chosen],
            self.values[chosen],
            self.complete[chosen],
            self.out_of_range[chosen],
            None if self.filled is None else self.filled[chosen],
        )


def deciding_slot(profile: Profile, slot: Int) -> Int:
    """The slot of the window that decides a reading at `slot`: the next one that is evaluated."""
    stride, phase = profile.window.stride, profile.window.phase
    return -(-(slot - phase) // stride) * stride + phase


def last_evaluated(profile: Profile, slot: int) -> int:
    """The last slot up to `slot` at which a window is evaluated."""
    stride, phase = profile.window.stride, profile.window.phase
    return (slot - phase) // stride * stride + phase


def cut(profile: Profile, series: Series, *, first_slot: int | None = None) -> Windows:
    """The windows of a series, one at each evaluated point that a reading came for.

    Args:
        profile: the kind of device.
        series: with at least `profile.history` rows before the first window that is wanted.
        first_slot: windows that end earlier are left out.
    """
    window, n = profile.window, len(series)
    grid = series.first_slot + np.arange(n)
    ends = np.unique(deciding_slot(profile, grid[series.observed]))
    ends = ends[(ends < series.first_slot + n) & (ends >= (series.first_slot if first_slot is None else first_slot))]
    columns = preprocessing.inputs(profile, series)
    # rows before the series' start are missing: row -1 of the padded columns stands for them
    padded = np.vstack([columns, np.full((1, columns.shape[1]), np.nan)])
    at = (ends - series.first_slot)[:, None] - window.step * np.arange(window.steps - 1, -1, -1)[None, :]
    values = padded[np.where(at >= 0, at, n)]
    decided = (ends - series.first_slot)[:, None] - np.arange(window.stride)[None, :]
    out = np.vstack([series.out_of_range, np.zeros((1, series.out_of_range.shape[1]), dtype=bool)])
    return Windows(
        ends=ends * profile.interval_s,
        values=values,
        complete=~np.isnan(values).any(axis=(1, 2)),
        out_of_range=np.asarray(out[np.where(decided >= 0, decided, n)].any(axis=1)),
        filled=_filled(profile, series, ends - series.first_slot),
    )


def joined(profile: Profile, parts: Sequence[Windows]) -> Windows:
    """Windows of several series, or blocks of one, as they are given; each part knows what was filled, or none does."""
    parts = [p for p in parts if len(p)]
    if not parts:
        return cut(profile, on_grid(profile, np.empty(0, dtype=np.int64), np.empty((0, len(profile.sensors)))))
    filled = [p.filled for p in parts if p.filled is not None]
    return Windows(
        np.concatenate([p.ends for p in parts]),
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.complete for p in parts]),
        np.concatenate([p.out_of_range for p in parts]),
        np.concatenate(filled) if len(filled) == len(parts) else None,
    )


def _filled(profile: Profile, series: Series, rows: Int) -> Float:
    """(W, S) share of missing readings among those that the windows ending at `rows` (W,) are made of."""
    window, n = profile.window, len(series)
    missing = np.nan_to_num(preprocessing.trailing_mean(np.isnan(series.values).astype(np.float64), window.aggregate))
    # running sums of every `step`-th row, so that a window costs one difference and not its rows
    lines = -(-n // window.step)
    padded = np.zeros((lines * window.step, missing.shape[1]))
    padded[:n] = missing
    sums = np.cumsum(padded.reshape(lines, window.step, missing.shape[1]), axis=0).reshape(padded.shape)
    sums = np.vstack([sums, np.zeros((1, missing.shape[1]))])
    before = rows - window.step * window.steps
    share = (sums[rows] - sums[np.where(before >= 0, before, -1)]) / window.steps
    # nothing filled is 0.0, and not what a difference of sums leaves
    return np.asarray(np.round(share, 9))


def readings_needed(profile: Profile, slots: Int, values: Float) -> int:
    """How many further readings, one at each point of the grid from the last on, lead to the next decision.

    Args:
        profile: the kind of device.
        slots: (n,) of its readings, ascending and unique, n > 0.
        values: (n, S) in the sensors' units, NaN where missing.
    """
    last, ahead = int(slots[-1]), profile.history + profile.window.stride
    recent = slots > last - ahead
    # any valid values will do: only whether they are there counts
    middle = [sum(s.valid_range) / 2 for s in profile.sensors]
    supposed = np.concatenate([slots[recent], last + 1 + np.arange(ahead)])
    rows = np.vstack([values[recent], np.tile(middle, (ahead, 1))])
    for block in blocks(profile, supposed, rows, after=last, until=last + ahead):
        if block.complete.any():
            return int(block.ends[block.complete][0] // profile.interval_s) - last
    raise AssertionError("a window is complete once its whole history is there")


def blocks(
    profile: Profile,
    slots: Int,
    values: Float,
    *,
    until: int,
    after: int | None = None,
    most_numbers: int = BLOCK_NUMBERS,
    most_rows: int = BLOCK_ROWS,
) -> Iterator[Windows]:
    """The windows of readings, some at a time: memory stays bounded however far apart the readings are.

    Args:
        profile: the kind of device.
        slots: (n,) of the readings, ascending and unique.
        values: (n, S) in the sensors' units, NaN where missing.
        until: windows that end after this slot are left out.
        after: windows that end up to this slot are left out.
        most_numbers: that the windows of a block hold.
        most_rows: points of the grid that a block spans, beyond the history before it.
    """
    ends = np.unique(deciding_slot(profile, slots))
    ends = ends[(ends <= until) & (True if after is None else ends > after)]
    at_most = max(1, most_numbers // (profile.window.steps * len(profile.input_names)))
    # a window is made of `history` rows, and decides readings `stride` rows back
    before = profile.history + profile.window.stride
    at = 0
    while at < len(ends):
        stop = min(at + at_most, int(np.searchsorted(ends, ends[at] + most_rows)))
        low = np.searchsorted(slots, ends[at] - before)
        high = np.searchsorted(slots, ends[stop - 1], side="right")
        series = on_grid(profile, slots[low:high], values[low:high], until=int(ends[stop - 1]))
        yield cut(profile, series, first_slot=int(ends[at]))
        at = stop


def season_slots(profile: Profile, ends: Int) -> Int:
    """The season's slot of each row of each window.

    Args:
        profile: the kind of device.
        ends: (W,) seconds since 1970 UTC.

    Returns:
        (W, T) in 0 … `profile.season.slots` - 1; for hour_of_week, hour + 24 on Saturday and Sunday.
    """
    window = profile.window
    if profile.season.kind == "none":
        return np.zeros((len(ends), window.steps), dtype=np.int64)
    shifts = _shifts(window.steps, window.step * profile.interval_s, int(profile.season.utc_offset_h * 3600))
    return _HOUR_OF_WEEK.take((ends[:, None] + shifts) // 3600 % len(_HOUR_OF_WEEK))


def same_season(profile: Profile, end: int) -> int:
    """An end, of a few, whose window has the slots of the one that ends at `end`: what was found for it can be kept."""
    step_s, offset_s = profile.window.step * profile.interval_s, int(profile.season.utc_offset_h * 3600)
    tick = gcd(3600, step_s, offset_s)
    return ((end - 1) // tick * tick + 1) % (3600 * len(_HOUR_OF_WEEK))


@cache
def _shifts(steps: int, step_s: int, offset_s: int) -> Int:
    """(T,) seconds from a window's end to the one by which the hour of the week of each row is told."""
    back = step_s * np.arange(steps - 1, -1, -1)
    # 1970-01-01 was a Thursday: three days after the Monday that a week's hours are counted from; and a row is the
    # mean of what lies before it, so it belongs to the hour that just ended
    return np.asarray(3 * 24 * 3600 + offset_s - 1 - back)


def as_datetime(seconds: int | float) -> datetime:
    """A time in seconds since 1970 as a datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
