"""Tables of readings: any CSV or Parquet with a time column and the sensors of a profile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aiot_anomaly.datasets import times
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile


def read(
    path: Path,
    profile: Profile,
    *,
    timestamp_column: str = "timestamp",
    device_column: str | None = None,
    device_id: str | None = None,
    label_column: str | None = None,
    separator: str = ",",
    rename: Mapping[str, str] | None = None,
) -> list[Recording]:
    """Reads a table with a row for each device and time; further columns are ignored.

    Args:
        path: a `.parquet` file, or else text with a header line.
        profile: names the sensor columns.
        timestamp_column: ISO 8601 (UTC where it names no zone) or unix seconds.
        device_column: the column that names the device; None: one device in the whole table.
        device_id: the id of that one device; default: the file's name.
        label_column: a column that is nonzero where the row is anomalous.
        separator: between two columns of a text file.
        rename: columns of the file and the sensors that they are.

    Returns:
        A recording for each device, sorted by id; rows sorted by time, doubles kept.

    Raises:
        DatasetError: the file cannot be read, or lacks a column.
    """
    frame = renamed(read_frame(path, separator), dict(rename or {}), path)
    wanted = [timestamp_column, *(c for c in (device_column, label_column) if c), *profile.sensor_names]
    missing = [c for c in wanted if c not in frame.columns]
    if missing:
        raise DatasetError(
            f"{path} lacks the columns {missing}; it has {list(frame.columns)}. Rename them, or name the time, device "
            f"and label columns and the separator (now {separator!r})"
        )
    times_ = seconds(frame[timestamp_column], where=f"{path}, column {timestamp_column}")
    values = matrix(frame, list(profile.sensor_names), where=str(path))
    labels = None if label_column is None else matrix(frame, [label_column], where=str(path))[:, 0] > 0
    devices = device_names(frame, device_column, path)
    if device_column is None and device_id is not None:
        devices[:] = device_id
    return [
        Recording(name, times_[rows], values[rows], None if labels is None else labels[rows])
        for name, rows in _by_device(devices, times_)
    ]


def read_as(path: Path, profile: Profile, layout: Layout) -> list[Recording]:
    """Reads a table as its layout says; rows without a time are left out.

    Returns:
        As `read`; `train_rows` of each recording as `layout.train_until` says.

    Raises:
        DatasetError: the file cannot be read, lacks a column, or its training part is empty.
    """
    frame = renamed(as_laid_out(path, layout), {c: s for s, c in layout.columns.items()}, path)
    wanted = [*(c for c in (TIME, layout.device, layout.label) if c), *profile.sensor_names]
    missing = [c for c in wanted if c not in frame.columns]
    if missing:
        raise DatasetError(
            f"{path} lacks the columns {missing}; it has {[c for c in frame.columns if c != TIME]}. Name them in the "
            f"section `recording` of the profile's file (`python -m aiot_anomaly profile {path.name}` writes one)"
        )
    frame = frame[frame[TIME].notna()]
    at = np.floor(frame[TIME].to_numpy(dtype=np.float64)).astype(np.int64)
    values = matrix(frame, list(profile.sensor_names), where=str(path))
    marked = None if layout.label is None else anomalous(frame[layout.label], layout.label_normal)
    devices = device_names(frame, layout.device, path)
    return [
        Recording(name, at[rows], values[rows], None if marked is None else marked[rows], _train_rows(at[rows], layout))
        for name, rows in _by_device(devices, at)
    ]


#: the column of unix seconds that `as_laid_out` adds: a file's own columns have no space around their names
TIME = " time"


def as_laid_out(path: Path, layout: Layout) -> pd.DataFrame:
    """The table with its time as unix seconds (float64, NaN where a cell is empty) in the column `TIME`.

    Raises:
        DatasetError: it cannot be read, or lacks the column of the time.
    """
    return with_time(read_frame(path, layout.separator, decimal=layout.decimal, missing=layout.missing), layout, path)


def with_time(frame: pd.DataFrame, layout: Layout, path: Path | str) -> pd.DataFrame:
    """The rows of a table, or a part of them, with their time as `as_laid_out` has it.

    Raises:
        DatasetError: they lack the column of the time, or a time cannot be read.
    """
    columns = [layout.timestamp] if isinstance(layout.timestamp, str) else list(layout.timestamp)
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        raise DatasetError(
            f"{path} lacks the columns {absent}; it has {list(frame.columns)}. Name the time's column (and the "
            f"separator, now {layout.separator!r}) in the section `recording` of the profile's file"
        )
    return frame.assign(
        **{
            TIME: times.seconds(
                written_time(frame, columns),
                where=f"{path}, column {' and '.join(columns)}",
                day_first=layout.day_first,
            )
        }
    )


def written_time(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The time's column; of two, of the date and of the time of day, the text of both."""
    if len(columns) == 1:
        return frame[columns[0]]
    date, of_day = (frame[c].astype("string").str.strip() for c in columns)
    return (date + " " + of_day).astype(object)


def anomalous(column: pd.Series, normal: str | None) -> NDArray[np.bool_]:
    """(n,) True where a label is neither `normal` nor empty; where `normal` is None: where it is above 0."""
    if normal is None:
        return np.nan_to_num(matrix(column.to_frame(), [str(column.name)], where="the label")[:, 0]) > 0
    text = column.astype("string").str.strip()
    numbers = pd.to_numeric(text, errors="coerce")
    same = (text == normal).fillna(value=False).to_numpy(dtype=bool)
    with contextlib.suppress(ValueError):  # the normal label is a word
        same |= (numbers == float(normal)).fillna(value=False).to_numpy(dtype=bool)
    return ~same & text.notna().to_numpy()


def device_names(frame: pd.DataFrame, column: str | None, path: Path) -> NDArray[np.object_]:
    """(n,) the device of each row; without a column, the file's name."""
    if column is None:
        return np.full(len(frame), path.stem, dtype=object)
    return frame[column].astype(str).to_numpy(dtype=object)


def _by_device(devices: NDArray[np.object_], at: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Each device and its rows, sorted by time; of the same time in the order of the table."""
    codes, names = pd.factorize(devices, sort=True)
    order = np.lexsort((at, codes))
    for name, rows in zip(names, np.split(order, np.flatnonzero(np.diff(codes[order])) + 1), strict=True):
        yield str(name), rows


def _train_rows(at: NDArray[np.int64], layout: Layout) -> int:
    if isinstance(layout.train_until, float):
        return max(1, round(layout.train_until * len(at)))
    until = times.seconds(pd.Series([layout.train_until]), where="train_until", day_first=layout.day_first)
    return int(np.searchsorted(at, until[0]))


def seconds(column: pd.Series, *, where: str) -> NDArray[np.int64]:
    """Unix seconds in UTC, rounded down, from times as `aiot_anomaly.datasets.times` reads them.

    Raises:
        DatasetError: a time cannot be read, or a row has none.
    """
    found = times.seconds(column, where=where)
    if np.isnan(found).any():
        raise DatasetError(f"{where}: row {int(np.isnan(found).argmax())} has no time")
    return np.floor(found).astype(np.int64)


def matrix(frame: pd.DataFrame, columns: list[str], *, where: str) -> NDArray[np.float64]:
    """The columns as (rows, columns) float64; empty cells and infinities are NaN.

    Raises:
        DatasetError: a cell holds something that is not a number.
    """
    try:
        values = frame[columns].apply(pd.to_numeric).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as e:
        raise DatasetError(f"{where}: {e}; expected numbers, or empty cells where a value is missing") from None
    return np.where(np.isfinite(values), values, np.nan)


def renamed(frame: pd.DataFrame, names: dict[str, str], path: Path | str) -> pd.DataFrame:
    """The table with other names for these columns; a column that has one of the names already is left out.

    Raises:
        DatasetError: a column is absent, or two get the same name.
    """
    absent = sorted(names.keys() - set(frame.columns))
    hidden = sorted((set(names.values()) - names.keys()) & set(frame.columns))
    if absent or len(set(names.values())) < len(names):
        raise DatasetError(
            f"{path}: columns to rename {names}; the table has {list(frame.columns)}, lacks {absent}, and each needs a "
            f"name of its own"
        )
    return frame.drop(columns=hidden).rename(columns=names) if names else frame


def read_frame(path: Path, separator: str = ",", *, decimal: str = ".", missing: Sequence[str] = ()) -> pd.DataFrame:
    """The whole table, of a `.parquet` file or of text with a header line; names lose spaces around them.

    Args:
        path: of the file.
        separator: between two columns of a text file.
        decimal: of its numbers.
        missing: its cells that mean that a value is missing, beside empty ones.

    Raises:
        DatasetError: it cannot be read.
    """
    if not path.is_file():
        raise DatasetError(f"no file {path}")
    try:
        if path.suffix == ".parquet":
            frame = without_index(pd.read_parquet(path))
        else:
            # the nearest number to each text, as Python's own: up to pandas 3.0 its usual way may miss the last bit
            exact: dict[str, Any] = {"float_precision": "round_trip", "low_memory": False}
            frame = _read_text(path, sep=separator, decimal=decimal, na_values=list(missing), **exact)
    except ImportError as e:
        raise DatasetError(f"{path} needs pyarrow: pip install pyarrow, or write the table as CSV ({e})") from None
    except (OSError, ValueError) as e:
        said = " ".join(str(e).replace("Error tokenizing data. C error: ", "").split())
        raise DatasetError(f"{path} cannot be read as a table: {said}") from None
    return frame.rename(columns=lambda name: str(name).strip())


def without_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The index as columns: the time may be the index, as pandas itself writes it; one without a name counts rows."""
    time_or_named = isinstance(frame.index, pd.DatetimeIndex) or any(n is not None for n in frame.index.names)
    return frame.reset_index() if time_or_named else frame.reset_index(drop=True)


def _read_text(path: Path, **options: Any) -> pd.DataFrame:
    try:
        # with a byte order mark, where a spreadsheet wrote it
        frame: pd.DataFrame = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True, **options)
    except UnicodeDecodeError:
        frame = pd.read_csv(path, encoding="latin-1", skipinitialspace=True, **options)
    return frame
