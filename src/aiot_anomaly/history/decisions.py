"""Decisions as rows of a table, written a piece at a time, as CSV or Parquet, here or in a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv, parquet

from aiot_anomaly.errors import DatasetError
from aiot_anomaly.history.fleet import Decided
from aiot_anomaly.history.places import Place, whole
from aiot_anomaly.messages import decision_id
from aiot_anomaly.profile import Profile

#: rows of a row group of Parquet
ROW_GROUP = 65_536
_TIME = pa.timestamp("s", tz="UTC")


def schema(profile: Profile) -> pa.Schema:
    """The columns of a profile's decisions.

    `id` is that of the same decision of the stream; `sensor` explains most of the score, and `share` says how much;
    `out_of_range` names sensors, with a space between them; each sensor has its value and what was expected of it.
    """
    fields = [
        ("id", pa.string()), ("device_id", pa.string()), ("window_end", _TIME), ("is_anomaly", pa.bool_()),
        ("score", pa.float64()), ("severity", pa.float64()), ("reason", pa.string()), ("sensor", pa.string()),
        ("share", pa.float64()), ("out_of_range", pa.string()), ("incident_id", pa.string()),
        ("incident_state", pa.string()), ("calibration", pa.string()), ("model_version", pa.string()),
    ]  # fmt: skip
    of_sensors = [f"{s}{part}" for s in profile.sensor_names for part in ("", "_expected", "_lower", "_upper")]
    return pa.schema([*fields, *((name, pa.float64()) for name in of_sensors)])


def table(profile: Profile, model_version: str, decided: Sequence[Decided]) -> pa.Table:
    """Decisions as rows."""
    p = [d.prediction for d in decided]
    incidents = [d.incident for d in decided]
    columns: list[Any] = [
        [decision_id(profile.name, x.device_id, x.window_end) for x in p],
        [x.device_id for x in p],
        [x.window_end for x in p],
        [x.is_anomaly for x in p],
        [x.score for x in p],
        [x.severity for x in p],
        [x.reason for x in p],
        # the shares come in falling order
        [x.contributions[0].sensor for x in p],
        [x.contributions[0].share for x in p],
        [" ".join(x.out_of_range) for x in p],
        [None if i is None else i.id for i in incidents],
        [None if i is None else i.state for i in incidents],
        [x.calibration for x in p],
        [model_version] * len(p),
    ]
    values = np.array([d.values for d in decided]).reshape(len(p), len(profile.sensors))
    for s, name in enumerate(profile.sensor_names):
        expected = [x.expected[name] for x in p]
        columns += [values[:, s], [e.value for e in expected], [e.lower for e in expected], [e.upper for e in expected]]
    of = schema(profile)
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, of, strict=True)], schema=of)


class Gatherer:
    """Gathers rows to row groups: a Parquet file of many small ones is large, and slow to read."""

    def __init__(self) -> None:
        self._held: list[pa.Table] = []
        self._count = 0

    def add(self, rows: pa.Table) -> list[pa.Table]:
        """Takes rows, and gives a row group where there are enough."""
        self._held.append(rows)
        self._count += rows.num_rows
        return self.rest() if self._count >= ROW_GROUP else []

    def rest(self) -> list[pa.Table]:
        """What was taken and not given yet, as one row group."""
        held, self._held, self._count = self._held, [], 0
        return [pa.concat_tables(held).combine_chunks()] if held else []


class Writer:
    """Takes tables of decisions."""

    def __init__(self, out: Any, *, as_text: bool) -> None:
        self._out, self._as_text = out, as_text
        self._gatherer = Gatherer()

    def write(self, rows: pa.Table) -> None:
        """Writes rows."""
        self._put([_readable(rows)] if self._as_text else self._gatherer.add(rows))

    def finish(self) -> None:
        """Writes what is held back."""
        self._put(self._gatherer.rest())

    def _put(self, tables: list[pa.Table]) -> None:
        for one in tables:
            self._out.write_table(one)


def check_name(at: Place) -> None:
    """Refuses what is neither CSV nor Parquet, before anything is computed.

    Raises:
        DatasetError: the name ends otherwise.
    """
    if at.suffixes[-1:] not in ([".csv"], [".parquet"]):
        raise DatasetError(f"the decisions are to go to {at.name}; expected a name that ends in .csv or .parquet")


@contextmanager
def writing(at: Place, profile: Profile) -> Iterator[Writer]:
    """A writer to a file that is there when the block ends without an error, and not at all otherwise."""
    check_name(at)
    as_text = at.suffixes[-1] == ".csv"
    columns = schema(profile)
    with whole(at) as part, at.system.open_output_stream(part, compression=None) as out:
        if as_text:
            text = _readable(columns.empty_table()).schema
            with csv.CSVWriter(
                out, text, write_options=csv.WriteOptions(quoting_style="none", quoting_header="none")
            ) as writer:
                yield Writer(writer, as_text=True)
        else:
            with parquet.ParquetWriter(out, columns) as writer:
                held = Writer(writer, as_text=False)
                yield held
                held.finish()


def _readable(rows: pa.Table) -> pa.Table:
    at = rows.schema.get_field_index("window_end")
    return rows.set_column(at, "window_end", compute.strftime(rows["window_end"], format="%Y-%m-%dT%H:%M:%SZ"))
