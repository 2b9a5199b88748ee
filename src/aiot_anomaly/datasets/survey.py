"""A survey of a recording that nobody has described: its layout, its interval, its sensors, its gaps.

What is guessed is said: `Survey` holds a reason for every column that is left out and a note for what a person should
look at. Nothing of it looks at the labels but to find them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aiot_anomaly.datasets import columns, table
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.errors import DatasetError

#: of a sensor's grid points, this share must have a value (held over short gaps) for it to be of use
LEAST_PRESENT = 0.5
#: a step between two rows is the interval where at least this share of the steps is as long
USUAL = 0.3
_NICE = np.array([1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200])
#: values that instruments write where they have none
SENTINELS = (-9999.0, -999.0, -99999.0, -200.0, 9999.0, 99999.0, 65535.0)


@dataclass(frozen=True)
class Found:
    """One sensor.

    Attributes:
        name: valid in a profile.
        column: of the table.
        unit: as far as the column's name tells it; else empty.
        low, high: smallest and largest value in the recording, without sentinels.
        missing: share of the rows without a value.
        sentinel: a value that stands for none; None where there is none.
    """

    name: str
    column: str
    unit: str
    low: float
    high: float
    missing: float
    sentinel: float | None = None


@dataclass(frozen=True)
class Survey:
    """What a table holds.

    Attributes:
        path: of the table.
        layout: how to read it.
        sensors: in the order of the columns.
        left_out: column -> why it is no sensor.
        devices: each device's grid: values (n, S), NaN where missing; rows are `interval_s` apart.
        marked: each device's points (n,) of the grid that are labelled as anomalous.
        rows: with a time.
        interval_s: the distance of the grid's points.
        off_grid: share of the rows that are not at the grid's usual phase.
        doubles: rows that share their point of the grid with an earlier one.
        unsorted: rows that are older than the row before them.
        missing: share of the grid's points that no row came for.
        runs: lengths of the holes in each sensor's values, in points of the grid, of all devices and sensors.
        anomalous: share of the rows that are labelled; None without labels.
        utc_offset_h: of the times, where they all carry the same one.
        notes: what a person should look at.
    """

    path: Path
    layout: Layout
    sensors: tuple[Found, ...]
    left_out: Mapping[str, str]
    devices: Mapping[str, NDArray[np.float64]]
    marked: Mapping[str, NDArray[np.bool_]]
    rows: int
    interval_s: int
    off_grid: float
    doubles: int
    unsorted: int
    missing: float
    runs: NDArray[np.int64]
    anomalous: float | None
    utc_offset_h: float
    start: int
    end: int
    notes: tuple[str, ...] = field(default=())


def survey(path: Path, *, timestamp: str | None = None, label: str | None = None, device: str | None = None) -> Survey:
    """Looks at a table; what is named is taken, the rest is found.

    Raises:
        DatasetError: it cannot be read; it has no rows, no time or no numeric column that varies; it is one row.
    """
    separator, decimal = columns.dialect(path)
    frame = table.read_frame(path, separator, decimal=decimal)
    if not len(frame):
        raise DatasetError(f"{path} has a header and no rows; expected a row for each time")
    for name in (timestamp, label, device):
        if name is not None and name not in frame.columns:
            raise DatasetError(f"{path} has no column {name!r}; it has {list(frame.columns)}")
    notes: list[str] = []
    clock = columns.clock(frame, timestamp, path)
    seconds = clock.seconds
    if np.isnan(seconds).any():
        notes.append(f"{int(np.isnan(seconds).sum())} rows without a time are left out")
    kept = np.isfinite(seconds)
    frame, seconds = frame[kept].reset_index(drop=True), seconds[kept]
    if len(frame) < 2:
        raise DatasetError(f"{path} has {len(frame)} row with a time; expected at least 2, and some hundred to train")
    notes += clock.notes
    left_out = dict[str, str]()
    others = [c for c in frame.columns if c not in clock.columns]
    device = device or columns.device(frame, others, seconds)
    others = [c for c in others if c != device]
    truth = columns.label(frame, others, label, left_out)
    others = [c for c in others if c not in left_out and (truth is None or c != truth.column)]
    numbers, tokens = columns.numeric(frame, others, left_out)
    columns.drop_copies_of_time(numbers, seconds, left_out)
    numbers, sentinels = _without_sentinels(numbers, left_out)
    if numbers.empty:
        seen = ", ".join(f"{column!r} {why}" for column, why in left_out.items()) or "nothing else is in it"
        raise DatasetError(f"{path} has no numeric column that varies, beside the time: {seen}")
    devices = table.device_names(frame, device, path)
    interval = _interval(devices, seconds, notes)
    names = columns.valid_names(list(numbers.columns))
    layout = Layout(
        timestamp=clock.columns[0] if len(clock.columns) == 1 else (clock.columns[0], clock.columns[1]),
        day_first=clock.day_first,
        device=device,
        label=None if truth is None else truth.column,
        label_normal=None if truth is None else truth.normal,
        columns={name: column for column, name in names.items() if name != column},
        separator=separator,
        decimal=decimal,
        missing=tokens,
    )
    anomalous = None if truth is None else table.anomalous(frame[truth.column], truth.normal)
    marks = np.zeros(len(frame)) if anomalous is None else anomalous.astype(np.float64)
    grids, doubles, off = _grids(devices, seconds, np.column_stack([numbers.to_numpy(), marks]), interval)
    marked = {name: grid[:, -1] > 0 for name, grid in grids.items()}
    grids = {name: grid[:, :-1] for name, grid in grids.items()}
    holes = np.concatenate([_runs(np.isnan(g)) for g in grids.values()])
    present = sum(np.isfinite(g).any(axis=1).sum() for g in grids.values())
    return Survey(
        path=path,
        layout=layout,
        sensors=tuple(
            Found(
                name=names[c],
                column=c,
                unit=columns.unit(c),
                low=float(numbers[c].min()),
                high=float(numbers[c].max()),
                missing=float(numbers[c].isna().mean()),
                sentinel=sentinels.get(c),
            )
            for c in numbers.columns
        ),
        left_out=left_out,
        devices=grids,
        marked=marked,
        rows=len(frame),
        interval_s=interval,
        off_grid=off,
        doubles=doubles,
        unsorted=_unsorted(devices, seconds),
        missing=1 - int(present) / max(1, sum(len(g) for g in grids.values())),
        runs=holes,
        anomalous=None if anomalous is None else float(anomalous.mean()),
        utc_offset_h=clock.utc_offset_h,
        start=int(seconds.min()),
        end=int(seconds.max()),
        notes=tuple(notes),
    )


def _without_sentinels(numbers: pd.DataFrame, left_out: dict[str, str]) -> tuple[pd.DataFrame, dict[str, float]]:
    """Values that stand for none become NaN; columns that then do not vary, or are empty, are left out."""
    result, found = {}, dict[str, float]()
    for name in numbers.columns:
        values = numbers[name].where(np.isfinite(numbers[name]))
        for sentinel in SENTINELS:
            rest = values[values != sentinel].dropna()
            if (values == sentinel).sum() < 3 or len(rest) < 2:
                continue
            spread = float(rest.max() - rest.min())
            if min(abs(sentinel - rest.min()), abs(sentinel - rest.max())) > max(spread, 1.0):
                values, found[name] = values.where(values != sentinel), sentinel
                break
        if values.notna().sum() == 0:
            left_out[name] = "empty"
        elif values.nunique() < 2:
            left_out[name] = f"constant ({values.dropna().iloc[0]:g})"
        else:
            result[name] = values
    return pd.DataFrame(result), {k: v for k, v in found.items() if k in result}


def _steps(devices: NDArray[np.object_], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in time of each device's successive rows, without doubles."""
    steps = [np.diff(np.unique(seconds[devices == d])) for d in pd.unique(devices)]
    return np.concatenate(steps)


def _interval(devices: NDArray[np.object_], seconds: NDArray[np.float64], notes: list[str]) -> int:
    steps = _steps(devices, seconds)
    if not len(steps):
        raise DatasetError("all rows have the same time; expected rows at different times")
    lengths, counts = np.unique(np.round(steps, 3), return_counts=True)
    usual, share = float(lengths[counts.argmax()]), counts.max() / len(steps)
    if share < USUAL:
        middle = float(np.median(steps))
        usual = float(_NICE[min(int(np.searchsorted(_NICE, middle)), len(_NICE) - 1)])
        notes.append(
            f"rows come at uneven times (only {share:.0%} of the steps are alike, their median is {middle:g} s): a "
            f"grid of {usual:g} s is laid over them"
        )
    if usual < 1:
        notes.append(
            f"{1 / usual:.3g} rows a second, and the grid is of whole seconds: of the rows of a second the first counts"
        )
    return max(1, round(usual))


def _grids(
    devices: NDArray[np.object_], seconds: NDArray[np.float64], values: NDArray[np.float64], interval: int
) -> tuple[dict[str, NDArray[np.float64]], int, float]:
    """Each device's values on its grid, how many rows were doubles, and the share that is off the usual phase."""
    slots = np.floor(np.floor(seconds) / interval + 0.5).astype(np.int64)
    grids, doubles, off = dict[str, NDArray[np.float64]](), 0, 0
    for name in pd.unique(devices):
        rows = np.flatnonzero(devices == name)
        rows = rows[np.argsort(seconds[rows], kind="stable")]
        unique, first = np.unique(slots[rows], return_index=True)
        length = int(unique[-1] - unique[0]) + 1
        if length > 200 * len(rows) + 100_000:
            raise DatasetError(
                f"the {len(rows):,} rows of {name} span {length:,} intervals of {interval} s: a time is wrong, or the "
                "column is not the time (name it by --timestamp)"
            )
        grid = np.full((length, values.shape[1]), np.nan)
        grid[unique - unique[0]] = values[rows[first]]
        grids[str(name)] = grid
        doubles += len(rows) - len(unique)
        _, counts = np.unique(np.round(seconds[rows] % interval, 3), return_counts=True)
        off += len(rows) - int(counts.max())
    return grids, doubles, off / len(seconds)


def _unsorted(devices: NDArray[np.object_], seconds: NDArray[np.float64]) -> int:
    return sum(int((np.diff(seconds[devices == d]) < 0).sum()) for d in pd.unique(devices))


def _runs(missing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs of True in each column of `missing` (n, S)."""
    edge = np.zeros((1, missing.shape[1]), dtype=np.int8)
    edges = np.diff(np.vstack([edge, missing.astype(np.int8), edge]), axis=0).T
    starts, ends = np.nonzero(edges == 1)[1], np.nonzero(edges == -1)[1]
    return np.asarray(ends - starts, dtype=np.int64)
