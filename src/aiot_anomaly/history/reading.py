"""Tables of readings of any length, a chunk at a time: CSV, also compressed, and Parquet, here or in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import parquet
from pydantic import TypeAdapter, ValidationError

from aiot_anomaly.datasets import table, times
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.history import opening
from aiot_anomaly.history.fleet import Piece
from aiot_anomaly.history.places import Place
from aiot_anomaly.messages import EARLIEST, LATEST, DeviceId
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float

#: rows of a chunk: of eight sensors about 10 MB, and as much again while its text is read
CHUNK_ROWS = 65_536
#: the column of the device where the layout names none and the table has it
DEVICE = "device_id"
_DEVICE_ID: TypeAdapter[str] = TypeAdapter(DeviceId)


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a table that have a time.

    Attributes:
        devices: (n,) the device of each.
        timestamps: (n,) seconds since 1970 UTC.
        values: (n, S) in the sensors' units, NaN where missing.
        rows: (n,) the row of the table that each is.
        without_time: rows beside these whose time is empty.
        bytes_read: of the file, up to here.
    """

    devices: NDArray[np.object_]
    timestamps: Float
    values: Float
    rows: NDArray[np.int64]
    without_time: int
    bytes_read: int

    def __len__(self) -> int:
        return len(self.timestamps)

    def pieces(self) -> Iterator[Piece]:
        """The readings of each device, in the table's order."""
        for device, rows in self.by_device():
            yield device, self.timestamps[rows], self.values[rows]

    def by_device(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Each device and the positions of its rows."""
        codes, names = pd.factorize(self.devices)
        order = np.argsort(codes, kind="stable")
        edges = np.flatnonzero(np.diff(codes[order])) + 1
        for rows in np.split(order, edges) if len(order) else []:
            yield str(names[codes[rows[0]]]), rows


def is_parquet(at: Place) -> bool:
    """Whether the file is a Parquet file, by its name."""
    return at.suffixes[-1:] == [".parquet"]


def row_groups(at: Place) -> int:
    """How many row groups a Parquet file has."""
    with _reporting(at):
        return int(parquet.read_metadata(at.path, filesystem=at.system).num_row_groups)


def chunks(
    at: Place,
    profile: Profile,
    layout: Layout,
    *,
    device_id: str | None = None,
    row_group: int | None = None,
    rows: int = CHUNK_ROWS,
) -> Iterator[Chunk]:
    """Reads a table.

    Args:
        at: the file: `.parquet`, or text with a header line, which may be compressed (.gz, .bz2, .xz).
        profile: names the sensors.
        layout: which column is what.
        device_id: the id of the one device of a table without a column for it; default: the file's name.
        row_group: of a Parquet file, this one alone.
        rows: of a chunk.

    Raises:
        DatasetError: the file cannot be read, lacks a column, or holds a time or a device id that cannot be.
    """
    size = at.size()
    if size is None:
        raise DatasetError(f"no file {at.name}")
    convert = _Converter(at, profile, layout, device_id)
    source = _parquet(at, convert, size, row_group, rows) if is_parquet(at) else _text(at, convert, layout, rows)
    with _reporting(at):
        for first_row, frame, bytes_read in source:
            yield convert.chunk(frame, first_row, bytes_read)


class _Converter:
    """From rows as they are written to a chunk."""

    def __init__(self, at: Place, profile: Profile, layout: Layout, device_id: str | None) -> None:
        self._at, self._profile, self._layout = at, profile, layout
        self._device = device_id
        self._known: set[str] = set()

    def wanted(self, columns: list[str]) -> list[str]:
        """Of a table's columns, as they are written, those that are used.

        Raises:
            DatasetError: one is missing.
        """
        layout, names = self._layout, {c.strip() for c in columns}
        if layout.device is None and self._device is None and DEVICE in names:
            layout = self._layout = replace_layout(layout, device=DEVICE)
        time = [layout.timestamp] if isinstance(layout.timestamp, str) else list(layout.timestamp)
        sensors = [layout.columns.get(s, s) for s in self._profile.sensor_names]
        needed = [*time, *([layout.device] if layout.device else []), *sensors]
        missing = [c for c in needed if c not in names]
        if missing:
            raise DatasetError(
                f"{self._at.name} lacks the columns {missing}; it has {sorted(names)}. Name the time's and the "
                f"device's column, or give a profile's file whose section `recording` says which column is which "
                f"sensor, and the separator (now {layout.separator!r})"
            )
        return [c for c in columns if c.strip() in needed]

    def text(self, columns: list[str]) -> dict[str, type]:
        """Columns that are text whatever they look like: device 007 is not device 7."""
        return {c: str for c in columns if c.strip() == self._layout.device}

    def chunk(self, frame: pd.DataFrame, first_row: int, bytes_read: int) -> Chunk:
        """Rows as a chunk."""
        layout = self._layout
        frame = frame.rename(columns=lambda name: str(name).strip())
        if layout.day_first is None:
            # told by the first rows, and the same for all
            columns = [layout.timestamp] if isinstance(layout.timestamp, str) else list(layout.timestamp)
            first = times.day_comes_first(table.written_time(frame, columns))
            layout = self._layout = replace_layout(layout, day_first=first) if first is not None else layout
        frame = table.with_time(frame, layout, self._at.name)
        at = frame[table.TIME].to_numpy(dtype=np.float64)
        dated = np.isfinite(at)
        frame = table.renamed(frame, {c: s for s, c in layout.columns.items() if c in frame.columns}, self._at.name)
        values = table.matrix(frame, list(self._profile.sensor_names), where=self._at.name)
        devices = self._devices(frame)
        rows = first_row + np.arange(len(at))
        self._check(at[dated], rows[dated])
        return Chunk(devices[dated], at[dated], values[dated], rows[dated], int(np.sum(~dated)), bytes_read)

    def _devices(self, frame: pd.DataFrame) -> NDArray[np.object_]:
        column = self._layout.device
        if column is None:
            found = np.full(len(frame), self._device or self._at.stem, dtype=object)
        else:
            found = frame[column].astype("string").fillna("").str.strip().to_numpy(dtype=object)
        for name in set(pd.unique(found)) - self._known:
            try:
                self._known.add(_DEVICE_ID.validate_python(name))
            except ValidationError:
                raise DatasetError(
                    f"{self._at.name}: found the device id {name!r}, expected up to 128 letters, digits and . _ : - "
                    f"that begin with a letter or digit; name the one device of a file by --device-id"
                ) from None
        return found

    def _check(self, at: Float, rows: NDArray[np.int64]) -> None:
        wrong = (at < EARLIEST.timestamp()) | (at >= LATEST.timestamp())
        if wrong.any():
            row = int(rows[np.argmax(wrong)])
            raise DatasetError(
                f"{self._at.name}: row {row} has a time before {EARLIEST.year} or after {LATEST.year}; "
                "the clock was not set, or the times are not what was taken for them"
            )


def replace_layout(layout: Layout, **changes: object) -> Layout:
    """The layout with other fields; None leaves one as it is."""
    return layout.model_copy(update={k: v for k, v in changes.items() if v is not None})


def _parquet(
    at: Place, convert: _Converter, size: int, row_group: int | None, rows: int
) -> Iterator[tuple[int, pd.DataFrame, int]]:
    with at.system.open_input_file(at.path) as source, parquet.ParquetFile(source) as file:
        metadata = file.metadata
        lengths = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        groups = range(len(lengths)) if row_group is None else [row_group]
        first = sum(lengths[: groups[0]]) if len(groups) else 0
        # an index of pandas is a column of the file, too
        columns = convert.wanted(list(file.schema_arrow.names))
        for batch in file.iter_batches(batch_size=rows, row_groups=list(groups), columns=columns):
            frame = table.without_index(batch.to_pandas())
            yield first, frame, size * (first + len(frame)) // max(1, metadata.num_rows)
            first += len(frame)


def _text(at: Place, convert: _Converter, layout: Layout, rows: int) -> Iterator[tuple[int, pd.DataFrame, int]]:
    options: dict[str, Any] = {
        "sep": layout.separator, "decimal": layout.decimal, "na_values": list(layout.missing), "skipinitialspace": True,
        "encoding": opening.encoding(at),
    }  # fmt: skip
    with opening.opened(at) as (source, _):
        columns = [str(c) for c in pd.read_csv(source, nrows=0, **options).columns]
    used = convert.wanted(columns)
    # the nearest number to each text, as Python's own, and as the whole table would be read
    exact: dict[str, Any] = {"usecols": used, "dtype": convert.text(columns), "float_precision": "round_trip"}
    first = 0
    with opening.opened(at) as (source, told), pd.read_csv(source, chunksize=rows, **exact, **options) as reader:
        for frame in reader:
            yield first, frame, told()
            first += len(frame)


@contextmanager
def _reporting(at: Place) -> Iterator[None]:
    """Errors of reading, as one that names the file."""
    try:
        yield
    # EOFError: compressed text that was cut off
    except (OSError, ValueError, EOFError) as e:
        raise DatasetError(f"{at.name} cannot be read as a table: {e}") from None
