"""Files of readings, CSV or Parquet by their suffix, written a piece at a time.

    device_id,timestamp,<the profile's sensors>

Memory does not grow with the rows: text leaves line by line, Parquet in row groups. Text is ordered by device whatever
order the pieces come in; Parquet keeps their order.
"""

from __future__ import annotations

import csv
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile

PARQUET = ".parquet"
#: rows of a Parquet row group: large enough to compress, a few MB in memory
ROW_GROUP = 65_536


def write(path: Path, recordings: Iterable[Recording], profile: Profile) -> int:
    """Writes readings, the file complete or not at all, and returns how many there are.

    Args:
        path: ends in `.parquet`, or is text. The text of a number is the shortest that reads back as the same number.
        recordings: values in the order of the profile's sensors; a device may come in several pieces, oldest first,
            with those of others in between.
        profile: names the sensors.

    Raises:
        DatasetError: a Parquet file is asked for, and pyarrow is not installed.
    """
    writer = _write_parquet if path.suffix == PARQUET else _write_csv
    with whole(path) as part:
        return writer(part, recordings, profile.sensor_names)


def iso(timestamp: int) -> str:
    """Unix seconds as ISO 8601 in UTC, e.g. 2026-11-22T19:00:00Z."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to that takes the place of `path` at the end, or vanishes after an error."""
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_csv(path: Path, recordings: Iterable[Recording], sensors: tuple[str, ...]) -> int:
    rows, parts = 0, dict[str, Path]()
    # pieces of one device wait in a file of their own until the others' are complete too
    with tempfile.TemporaryDirectory(prefix=f"{path.name}-", dir=path.parent) as folder:
        for r in recordings:
            part = parts.setdefault(r.device_id, Path(folder, str(len(parts))))
            with part.open("a", newline="", encoding="utf-8") as f:
                out = csv.writer(f, lineterminator="\n")
                for t, values in zip(r.timestamps.tolist(), r.values.tolist(), strict=True):
                    out.writerow((r.device_id, iso(t), *("" if math.isnan(v) else v for v in values)))
            rows += len(r)
        with path.open("w", newline="", encoding="utf-8") as f:
            csv.writer(f, lineterminator="\n").writerow(("device_id", "timestamp", *sensors))
        with path.open("ab") as whole_file:
            for part in parts.values():
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole_file)
    return rows


def _write_parquet(path: Path, recordings: Iterable[Recording], sensors: tuple[str, ...]) -> int:
    try:
        # only here: CSV works without it
        import pyarrow as pa  # noqa: PLC0415 - see above
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - see above
    except ImportError as e:
        raise DatasetError(f"{path} needs pyarrow: pip install pyarrow, or write CSV ({e})") from None
    fields = [("device_id", pa.string()), ("timestamp", pa.timestamp("ms", tz="UTC"))]
    schema = pa.schema([*fields, *((s, pa.float64()) for s in sensors)])
    rows = 0
    with ParquetWriter(path, schema) as out:
        for pieces in _gathered(recordings):
            values = np.concatenate([r.values for r in pieces])
            times = np.concatenate([r.timestamps for r in pieces]).astype("datetime64[s]").astype("datetime64[ms]")
            columns: list[Any] = [
                pa.array([d for r in pieces for d in [r.device_id] * len(r)], pa.string()),
                pa.array(times, schema.field("timestamp").type),
                # an absent value is a null, as it is an empty cell of a CSV
                *(pa.array(column, pa.float64(), from_pandas=True) for column in values.T),
            ]
            out.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=ROW_GROUP)
            rows += len(values)
    return rows


def _gathered(recordings: Iterable[Recording]) -> Iterator[list[Recording]]:
    """Pieces enough for a row group at a time, so that many short ones do not make as many small groups."""
    pieces: list[Recording] = []
    rows = 0
    for r in recordings:
        pieces.append(r)
        rows += len(r)
        if rows >= ROW_GROUP:
            yield pieces
            pieces, rows = [], 0
    if pieces:
        yield pieces
