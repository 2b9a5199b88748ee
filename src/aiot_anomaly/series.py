"""Readings on the profile's time grid: the form that all preprocessing works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiot_anomaly.profile import Profile

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Series:
    """Consecutive points of the grid.

    Attributes:
        first_slot: grid slot of row 0; the time of slot i is `i * interval_s` seconds since 1970 UTC.
        values: (n, S) in the sensors' units; NaN where missing or out of the valid range.
        observed: (n,) True where a reading came; the other rows are the grid's own.
        out_of_range: (n, S) True where a value came that the sensor cannot truthfully report.
    """

    first_slot: int
    values: Float
    observed: Bool
    out_of_range: Bool

    def __len__(self) -> int:
        return len(self.values)


def slots(profile: Profile, timestamps: Int | Float) -> Int:
    """The grid slots nearest to `timestamps` (n,), in seconds since 1970 UTC."""
    return np.floor(np.asarray(timestamps, dtype=np.float64) / profile.interval_s + 0.5).astype(np.int64)


def on_grid(profile: Profile, at: Int, values: Float, *, until: int | None = None) -> Series:
    """Sorts, de-duplicates and lays readings on the grid.

    Args:
        profile: the kind of device.
        at: (n,) grid slots, in any order; of readings in the same slot the first given counts.
        values: (n, S) in the sensors' units, NaN where missing.
        until: the last slot of the result; later readings are left out. The last reading's if not given.

    Returns:
        The series from the first reading on.
    """
    low = np.array([s.valid_range[0] for s in profile.sensors])
    high = np.array([s.valid_range[1] for s in profile.sensors])
    unique, first = np.unique(at, return_index=True)
    if until is not None:
        unique, first = unique[unique <= until], first[unique <= until]
    if not len(unique):
        empty = np.empty((0, len(profile.sensors)))
        return Series(0, empty, np.empty(0, dtype=bool), empty.astype(bool))
    n = int((unique[-1] if until is None else until) - unique[0]) + 1
    rows = unique - unique[0]
    grid = np.full((n, len(profile.sensors)), np.nan)
    grid[rows] = values[first]
    observed = np.zeros(n, dtype=bool)
    observed[rows] = True
    with np.errstate(invalid="ignore"):
        out = (grid < low) | (grid > high)
    grid[out] = np.nan
    return Series(int(unique[0]), grid, observed, out)
