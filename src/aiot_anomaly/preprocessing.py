"""From a series to the model's inputs: imputation, derived inputs, aggregation. All of it is causal.

A row depends on at most `profile.history` rows up to it, so a stream that keeps that many gives the same
inputs as the whole recording.
"""

from __future__ import annotations

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Series


def hold(values: Float, longest_gap: int) -> Float:
    """Fills each column's missing values with its last one, for at most `longest_gap` rows in a row.

    Args:
        values: (n, S), NaN where missing.
        longest_gap: rows; what is missing for longer stays NaN from there on.

    Returns:
        (n, S), a copy.
    """
    n = len(values)
    rows = np.arange(n)[:, None]
    last = np.where(np.isnan(values), -1, rows)
    np.maximum.accumulate(last, axis=0, out=last)
    usable = (last >= 0) & (rows - last <= longest_gap)
    held = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(usable, held, np.nan)


def trailing_mean(values: Float, length: int) -> Float:
    """(n, F) to (n, F): the mean of `length` rows up to each; NaN where one is missing."""
    if length == 1:
        return values
    result = np.full_like(values, np.nan)
    if len(values) >= length:
        windows = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
        result[length - 1 :] = windows.mean(axis=-1)
    return result


def inputs(profile: Profile, series: Series) -> Float:
    """The model's inputs at each point of the grid.

    Returns:
        (n, F), columns as `profile.input_names`, in physical units; NaN where history is missing.
    """
    held = hold(series.values, profile.imputation.longest_gap)
    columns = [held]
    for derived in profile.derived:
        columns.append(derived.of(held[:, profile.sensor_names.index(derived.sensor)])[:, None])
    return trailing_mean(np.hstack(columns), profile.window.aggregate)
