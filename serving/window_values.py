"""The numbers of windows: checked, and cleared of what no sensor can report."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from aiot_anomaly.preprocessing import hold
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float
from serving.errors import listed, shorten, unprocessable

_NUMBERS = {float, int}


@dataclass(frozen=True)
class WindowValues:
    """Windows that can be scored.

    Attributes:
        values: (n, T, F) finite, in physical units, within the inputs' ranges.
        out_of_range: (n, S) True where a value of the sensor, or derived from it, had to be replaced.
    """

    values: Float
    out_of_range: Bool


def check(profile: Profile, instances: list[Any]) -> WindowValues:
    """The `values` of each instance as one array.

    A value out of its input's range is replaced by the row before it (the first by the next valid one).

    Raises:
        ApiError: a window has the wrong shape, holds what is not a finite number, or an input has no valid value.
    """
    found = np.stack([_one(profile, values, f"instance {i}") for i, values in enumerate(instances)])
    low, high = _ranges(profile)
    out = (found < low) | (found > high)
    sensors = np.zeros((len(found), len(profile.sensors)), dtype=bool)
    for i in np.flatnonzero(out.any(axis=(1, 2))):
        found[i] = _replaced(profile, np.where(out[i], np.nan, found[i]), int(i))
        np.logical_or.at(sensors[i], list(profile.input_sensor), out[i].any(axis=0))
    return WindowValues(found, sensors)


def _one(profile: Profile, values: Any, where: str) -> Float:
    steps, names = profile.window.steps, profile.input_names
    if not isinstance(values, list):
        raise unprocessable("malformed_request", f"{where}: values is {shorten(values)}, expected {steps} rows")
    if len(values) != steps:
        message = f"{where}: {len(values)} rows, expected {steps} (window.steps of profile {profile.name})"
        raise unprocessable("wrong_window_length", message, found=len(values), expected=steps)
    for row, cells in enumerate(values):
        if not isinstance(cells, list):
            raise unprocessable("malformed_request", f"{where}: row {row} is {shorten(cells)}, expected a list")
        if len(cells) != len(names):
            message = f"{where}: row {row} has {len(cells)} values, expected {len(names)}: {', '.join(names)}"
            details = {"row": row, "found": len(cells), "expected": len(names), "input_names": names}
            raise unprocessable("wrong_sensor_count", message, **details)
    # numpy would take True for 1 and "2" for 2
    if not set(map(type, chain.from_iterable(values))) <= _NUMBERS:
        _refuse(profile, values, where)
    return np.array(values, dtype=np.float64)


def _refuse(profile: Profile, values: list[list[Any]], where: str) -> None:
    for row, cells in enumerate(values):
        for name, cell in zip(profile.input_names, cells, strict=True):
            at = f"{where}: row {row}, {name}"
            if cell is None:
                message = f"{at} is null, expected a number: fill it, or send the raw readings to :detect"
                raise unprocessable("not_finite", message, row=row, input=name)
            if type(cell) not in _NUMBERS:
                raise unprocessable("malformed_request", f"{at} is {shorten(cell)!r}, expected a number")


def _ranges(profile: Profile) -> tuple[Float, Float]:
    low, high = (np.array(side) for side in zip(*(s.valid_range for s in profile.sensors), strict=True))
    of = profile.input_sensor[len(low) :]
    bounds = np.array([d.bounds(low[s], high[s]) for d, s in zip(profile.derived, of, strict=True)]).reshape(-1, 2)
    return np.concatenate([low, bounds[:, 0]]), np.concatenate([high, bounds[:, 1]])


def _replaced(profile: Profile, window: Float, i: int) -> Float:
    held = hold(window, len(window))
    filled = hold(held[::-1], len(held))[::-1]
    empty = np.flatnonzero(np.isnan(filled).any(axis=0))
    if len(empty):
        low, high = _ranges(profile)
        names = [profile.input_names[column] for column in empty]
        valid = listed(f"{profile.input_names[c]} in [{low[c]:g}, {high[c]:g}]" for c in empty)
        raise unprocessable("no_valid_value", f"instance {i}: no row has a valid value of {valid}", inputs=names)
    return filled
