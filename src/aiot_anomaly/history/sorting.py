"""Readings in any order, oldest first: sorted by DuckDB, on disk where they do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiot_anomaly.history.fleet import Piece
from aiot_anomaly.series import Float

#: of DuckDB; what is beyond lies in a folder for temporary files
MEMORY = "512MB"
#: rows of a piece that comes out
ROWS = 65_536


class Sorter:
    """Takes readings in any order. Of one device and time, those come first that were first in the source."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sensors: int) -> None:
        self._db, self._sensors = connection, [f"s{i}" for i in range(sensors)]
        columns = ", ".join(f"{s} DOUBLE" for s in self._sensors)
        self._db.execute(
            f"CREATE TABLE reading (device VARCHAR, seconds DOUBLE, source VARCHAR, row BIGINT, {columns})"
        )

    def add(self, devices: NDArray[np.object_], at: Float, values: Float, source: str, rows: NDArray[np.int64]) -> None:
        """Takes n readings: device and time of each, values (n, S), and where they are from."""
        names = ["device", "seconds", "source", "row", *self._sensors]
        columns = [pa.array(devices, pa.string()), at, pa.array([source] * len(at), pa.string()), rows, *values.T]
        self._db.register("piece", pa.table(dict(zip(names, columns, strict=True))))
        self._db.execute("INSERT INTO reading SELECT * FROM piece")
        self._db.unregister("piece")

    def sorted(self) -> Iterator[Piece]:
        """All readings, device by device, oldest first; a device comes in several pieces."""
        columns = ", ".join(self._sensors)
        query = f"SELECT device, seconds, {columns} FROM reading ORDER BY device, seconds, source, row"  # noqa: S608 - no name of it comes from outside
        for batch in self._db.sql(query).to_arrow_reader(ROWS):
            devices, at = batch.column(0).to_numpy(zero_copy_only=False), batch.column(1).to_numpy()
            values = np.column_stack([c.to_numpy(zero_copy_only=False) for c in batch.columns[2:]])
            edges = np.flatnonzero(devices[1:] != devices[:-1]) + 1
            for rows in np.split(np.arange(len(at)), edges):
                yield str(devices[rows[0]]), at[rows], values[rows]


@contextmanager
def sorting(sensors: int) -> Iterator[Sorter]:
    """A sorter of readings with so many sensors; what it wrote to disk goes at the end."""
    with (
        TemporaryDirectory(prefix="history-") as folder,
        duckdb.connect(
            Path(folder, "readings.duckdb"), config={"memory_limit": MEMORY, "temp_directory": folder}
        ) as connection,
    ):
        yield Sorter(connection, sensors)
