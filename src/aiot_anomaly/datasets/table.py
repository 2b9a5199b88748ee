"""Tables of readings: any CSV or Parquet with a time column and the sensors of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
    frame = _renamed(read_frame(path, separator), dict(rename or {}), path)
    wanted = [timestamp_column, *(c for c in (device_column, label_column) if c), *profile.sensor_names]
    missing = [c for c in wanted if c not in frame.columns]
    if missing:
        raise DatasetError(
            f"{path} lacks the columns {missing}; it has {list(frame.columns)}. Rename them, or name the time, device "
            f"and label columns and the separator (now {separator!r})"
        )
    times = seconds(frame[timestamp_column], where=f"{path}, column {timestamp_column}")
    values = matrix(frame, list(profile.sensor_names), where=str(path))
    labels = None if label_column is None else matrix(frame, [label_column], where=str(path))[:, 0] > 0
    if device_column is None:
        devices = np.full(len(frame), device_id or path.stem, dtype=object)
    else:
        devices = frame[device_column].astype(str).to_numpy(dtype=object)
    recordings = []
    for device in sorted(set(devices)):
        rows = np.flatnonzero(devices == device)
        rows = rows[np.argsort(times[rows], kind="stable")]
        recordings.append(Recording(device, times[rows], values[rows], None if labels is None else labels[rows]))
    return recordings


def seconds(column: pd.Series, *, where: str) -> NDArray[np.int64]:
    """Unix seconds in UTC from ISO 8601 (UTC where it names no zone) or from numbers that are unix seconds.

    Raises:
        DatasetError: a time cannot be read.
    """
    try:
        if pd.api.types.is_numeric_dtype(column):
            return np.asarray(np.floor(column.to_numpy(dtype=np.float64)), dtype=np.int64)
        times = pd.to_datetime(column, utc=True, format="ISO8601")
    except (ValueError, TypeError) as e:
        raise DatasetError(f"{where}: {e}; expected ISO 8601 such as 2026-11-22T19:00:00Z, or unix seconds") from None
    if times.isna().any():
        raise DatasetError(f"{where}: row {int(times.isna().to_numpy().argmax())} has no time")
    return np.asarray(times.dt.as_unit("s").astype("int64").to_numpy(), dtype=np.int64)


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


def _renamed(frame: pd.DataFrame, names: dict[str, str], path: Path) -> pd.DataFrame:
    absent = sorted(names.keys() - set(frame.columns))
    # a column that had the name already gives way
    hidden = sorted((set(names.values()) - names.keys()) & set(frame.columns))
    if absent or len(set(names.values())) < len(names):
        raise DatasetError(
            f"{path}: columns to rename {names}; the table has {list(frame.columns)}, lacks {absent}, and each needs a "
            f"name of its own"
        )
    return frame.drop(columns=hidden).rename(columns=names) if names else frame


def read_frame(path: Path, separator: str = ",") -> pd.DataFrame:
    """The whole table, of a `.parquet` file or of text with a header line.

    Raises:
        DatasetError: it cannot be read.
    """
    if not path.is_file():
        raise DatasetError(f"no file {path}")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, sep=separator)
    except ImportError as e:
        raise DatasetError(f"{path} needs pyarrow: pip install pyarrow, or write the table as CSV ({e})") from None
    except (OSError, ValueError) as e:
        raise DatasetError(f"{path} cannot be read as a table: {e}") from None
