"""A fleet's folder: `readings.csv` of its devices and `truth.csv` of what really happened to them.

The simulator writes it and the notebooks read it. Both files are text that any tool opens; `readings.parquet` in the
place of the first is smaller:

    readings.csv   device_id,timestamp,<the profile's sensors>
    truth.csv      device_id,kind,start,end,size,anomalous[,sensor]

`anomalous` is false for what must raise no alarm (a heat wave, an announced flushing). The column `sensor` is there
where an event is one of a single sensor.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets import readings, table
from aiot_anomaly.datasets.readings import iso
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile

READINGS = "readings.csv"
READINGS_PARQUET = "readings.parquet"
TRUTH = "truth.csv"
_TRUTH_COLUMNS = ("device_id", "kind", "start", "end", "size", "anomalous")
_SENSOR_COLUMN = "sensor"


@dataclass(frozen=True)
class Truth:
    """Something that happened to a device.

    Attributes:
        device_id: the device.
        kind: what it was, e.g. "leak".
        start: unix seconds of its beginning.
        end: unix seconds of its end; the reading at `end` is normal again.
        size: how large, in the kind's own measure (leak: share of the district's mean inflow).
        anomalous: False for a disturbance that must not raise an alarm.
        sensor: the one sensor that it is about, e.g. a stuck one; None: the device.
    """

    device_id: str
    kind: str
    start: int
    end: int
    size: float
    anomalous: bool = True
    sensor: str | None = None


@dataclass(frozen=True)
class Fleet:
    """The recordings of some devices and what really happened to them."""

    recordings: tuple[Recording, ...]
    truth: tuple[Truth, ...] = ()

    def __len__(self) -> int:
        return len(self.recordings)


def labels(device_id: str, timestamps: NDArray[np.int64], truth: Iterable[Truth]) -> NDArray[np.bool_]:
    """(n,) bool: True where an anomalous event of the device is going on."""
    marked = np.zeros(len(timestamps), dtype=np.bool_)
    for t in truth:
        if t.anomalous and t.device_id == device_id:
            marked |= (timestamps >= t.start) & (timestamps < t.end)
    return marked


def read(folder: Path, profile: Profile) -> Fleet:
    """Reads a fleet; where the folder has no `truth.csv` the recordings are not labelled.

    Raises:
        DatasetError: the folder holds no readings, or ones that do not fit the profile.
    """
    parquet = folder / READINGS_PARQUET
    recordings = table.read(parquet if parquet.is_file() else folder / READINGS, profile, device_column="device_id")
    if not (folder / TRUTH).is_file():
        return Fleet(tuple(recordings))
    truth = read_truth(folder / TRUTH)
    return Fleet(tuple(replace(r, labels=labels(r.device_id, r.timestamps, truth)) for r in recordings), truth)


def write(folder: Path, fleet: Fleet, profile: Profile) -> int:
    """Writes a fleet's two files, each complete or not at all, and returns the number of readings."""
    rows = write_readings(folder, fleet.recordings, profile)
    write_truth(folder / TRUTH, fleet.truth)
    return rows


def write_readings(
    folder: Path, recordings: Iterable[Recording], profile: Profile, *, kind: Literal["csv", "parquet"] = "csv"
) -> int:
    """Writes a fleet's readings, which may come in pieces, and returns how many there are.

    Readings of the other kind that the folder holds go: a folder is one fleet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted, other = (READINGS, READINGS_PARQUET) if kind == "csv" else (READINGS_PARQUET, READINGS)
    rows = readings.write(folder / wanted, recordings, profile)
    (folder / other).unlink(missing_ok=True)
    return rows


def read_truth(path: Path) -> tuple[Truth, ...]:
    """Reads a `truth.csv`.

    Raises:
        DatasetError: it cannot be read; the text names the line.
    """
    events = []
    with path.open(newline="", encoding="utf-8") as f:
        rows = csv.DictReader(f)
        if tuple(rows.fieldnames or ()) not in {_TRUTH_COLUMNS, (*_TRUTH_COLUMNS, _SENSOR_COLUMN)}:
            raise DatasetError(
                f"{path} has the columns {rows.fieldnames}, expected {list(_TRUTH_COLUMNS)} and, if need be, "
                f"{_SENSOR_COLUMN}"
            )
        for row in rows:
            try:
                start, end = (int(datetime.fromisoformat(row[k]).timestamp()) for k in ("start", "end"))
                anomalous = {"true": True, "false": False}[row["anomalous"]]
                size, sensor = float(row["size"]), row.get(_SENSOR_COLUMN) or None
                events.append(Truth(row["device_id"], row["kind"], start, end, size, anomalous, sensor))
            except (ValueError, KeyError, TypeError) as e:
                raise DatasetError(f"{path}, line {rows.line_num}: {e!r} in {row}") from None
    return tuple(events)


def write_truth(path: Path, truth: Sequence[Truth]) -> None:
    """Writes a `truth.csv`, ordered by device and start."""
    sensors = any(t.sensor for t in truth)
    with readings.whole(path) as part, part.open("w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow((*_TRUTH_COLUMNS, _SENSOR_COLUMN) if sensors else _TRUTH_COLUMNS)
        for t in sorted(truth, key=lambda t: (t.device_id, t.start, t.end, t.kind, t.sensor or "")):
            row = (t.device_id, t.kind, iso(t.start), iso(t.end), t.size, "true" if t.anomalous else "false")
            out.writerow((*row, t.sensor or "") if sensors else row)
