"""The numbers of windows: checked, and cleared of what no sensor can report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from aiot_anomaly.preprocessing import hold
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float
from serving.errors import listed, shorten, unprocessable

_NUMBERS = {float, int}


@dataclass(frozen=True)
class WindowForm:
    """What the values of a window of this profile must look like."""

    profile: Profile

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: (T, F)."""
        return self.profile.window.steps, len(self.profile.input_names)

    @cached_property
    def ranges(self) -> tuple[Float, Float]:
        """The least and the most (F,) that each input can be."""
        sensors, derived = self.profile.sensors, self.profile.derived
        low, high = (np.array(side) for side in zip(*(s.valid_range for s in sensors), strict=True))
        of = self.profile.input_sensor[len(low) :]
        bounds = np.array([d.bounds(low[s], high[s]) for d, s in zip(derived, of, strict=True)]).reshape(-1, 2)
        return np.concatenate([low, bounds[:, 0]]), np.concatenate([high, bounds[:, 1]])

    @cached_property
    def _bounds(self) -> tuple[Float, Float]:
        """The ranges (T, F) of a whole window: rows as short as its own would cost numpy a loop each."""
        low, high = self.ranges
        return np.tile(low, (self.shape[0], 1)), np.tile(high, (self.shape[0], 1))

    def check(self, values: Any, where: str) -> Float:
        """The `values` of an instance as an array (T, F), whatever JSON they are.

        Raises:
            ApiError: they have the wrong shape or hold what is not a number; the text says where and what.
        """
        steps, names = self.shape[0], self.profile.input_names
        if not isinstance(values, list):
            raise unprocessable("malformed_request", f"{where}: values is {shorten(values)}, expected {steps} rows")
        if len(values) != steps:
            message = f"{where}: {len(values)} rows, expected {steps} (window.steps of profile {self.profile.name})"
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
            self._refuse(values, where)
        return np.array(values, dtype=np.float64)

    def _refuse(self, values: list[list[Any]], where: str) -> None:
        for row, cells in enumerate(values):
            for name, cell in zip(self.profile.input_names, cells, strict=True):
                at = f"{where}: row {row}, {name}"
                if cell is None:
                    message = f"{at} is null, expected a number: fill it, or send the raw readings to :detect"
                    raise unprocessable("not_finite", message, row=row, input=name)
                if type(cell) not in _NUMBERS:
                    raise unprocessable("malformed_request", f"{at} is {shorten(cell)!r}, expected a number")

    def clear(self, values: Float, first: int = 0) -> Bool:
        """Replaces, in place, each value out of its input's range by the row before it (the first by the next valid).

        Args:
            values: (n, T, F) finite, in physical units.
            first: index of the first window in its request, for the message.

        Returns:
            (n, S) True where a value of the sensor, or derived from it, had to be replaced.

        Raises:
            ApiError: an input has no valid value.
        """
        low, high = self._bounds
        sensors = np.zeros((len(values), len(self.profile.sensors)), dtype=bool)
        out = (values < low) | (values > high)
        # numpy's `any` is Python, and takes as long as both comparisons
        if np.count_nonzero(out):
            for i in np.flatnonzero(out.any(axis=(1, 2))):
                values[i] = self._replaced(np.where(out[i], np.nan, values[i]), first + int(i))
                np.logical_or.at(sensors[i], list(self.profile.input_sensor), out[i].any(axis=0))
        return sensors

    def _replaced(self, window: Float, i: int) -> Float:
        held = hold(window, len(window))
        filled = hold(held[::-1], len(held))[::-1]
        empty = np.flatnonzero(np.isnan(filled).any(axis=0))
        if len(empty):
            low, high = self.ranges
            names = [self.profile.input_names[column] for column in empty]
            valid = listed(f"{self.profile.input_names[c]} in [{low[c]:g}, {high[c]:g}]" for c in empty)
            raise unprocessable("no_valid_value", f"instance {i}: no row has a valid value of {valid}", inputs=names)
        return filled
