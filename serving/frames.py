"""MLflow's tables: readings in rows, of one device or of many, to one prediction for each row.

Columns are `timestamp` (or the index), the sensors, and, where the rows are of several devices, `device_id`. A time
without a zone counts as UTC, and a value that is null or NaN as missing, as both are in pandas.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.detector import Detector
from serving import detect
from serving.calibration_cache import CalibrationCache
from serving.errors import listed, shorten, unprocessable
from serving.schemas import MOST_READINGS

#: of rows that do not say whose they are: no device's own calibration is used
ANY_DEVICE = "unknown"


@dataclass(frozen=True)
class Frame:
    """A table: one dictionary a row."""

    rows: Sequence[Mapping[str, Any]]


def from_split(given: object) -> Frame:
    """The table of `dataframe_split`.

    Raises:
        ApiError: it has not pandas' form.
    """
    if not isinstance(given, dict) or not isinstance(given.get("data"), list):
        raise unprocessable("malformed_request", "dataframe_split has no list 'data', expected columns and data")
    columns, data, index = given.get("columns"), given["data"], given.get("index")
    if not isinstance(columns, list) or not all(isinstance(c, str) for c in columns):
        raise unprocessable("malformed_request", "dataframe_split.columns is no list of texts")
    twice = [c for c, n in Counter(columns).items() if n > 1]
    if twice:
        raise unprocessable("malformed_request", f"the table has more than one column {listed(twice)}, expected one")
    _check_rows(data)
    for i, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            found = f"{len(row)} values" if isinstance(row, list) else shorten(row)
            raise unprocessable("malformed_request", f"row {i} has {found}, expected {len(columns)}: {listed(columns)}")
    rows = [dict(zip(columns, row, strict=True)) for row in data]
    # a table of readings often has its times as the index
    if "timestamp" not in columns and isinstance(index, list) and len(index) == len(rows):
        rows = [{**row, "timestamp": at} for row, at in zip(rows, index, strict=True)]
    return Frame(rows)


def from_records(given: object) -> Frame:
    """The table of `dataframe_records`.

    Raises:
        ApiError: it is no list of objects.
    """
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise unprocessable("malformed_request", "dataframe_records is no list of objects, expected one a row")
    _check_rows(given)
    return Frame(given)


def from_csv(body: bytes) -> Frame:
    """The table of a CSV with a line of names; an empty cell is missing.

    Raises:
        ApiError: it is no text, or a row has more cells than there are names.
    """
    try:
        table = csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True)
        lines = [line for line in table if line]
    except (UnicodeDecodeError, csv.Error) as e:
        raise unprocessable("malformed_request", f"the body is no CSV in UTF-8: {shorten(str(e))}") from None
    columns, data = (lines[0], lines[1:]) if lines else ([], [])
    return from_split({"columns": columns, "data": [[_cell(c) for c in line] for line in data]})


def predictions(
    detector: Detector, cache: CalibrationCache, frame: Frame, parameters: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """One prediction for each row: that of the window which decides it, or what its decision still lacks.

    Args:
        detector: a loaded bundle.
        cache: of calibrations.
        frame: the rows.
        parameters: `device_id` of rows that have none; the rest as for `:detect`.

    Returns:
        The predictions, and the scores of all windows for the metrics.

    Raises:
        ApiError: the rows cannot be answered.
    """
    usual = parameters.get("device_id", ANY_DEVICE)
    rest = {name: value for name, value in parameters.items() if name != "device_id"}
    devices: dict[str, list[int]] = {}
    for i, row in enumerate(frame.rows):
        device = row.get("device_id", usual)
        if not isinstance(device, str):
            raise unprocessable("malformed_request", f"row {i}: device_id is {shorten(device)}, expected a text", row=i)
        devices.setdefault(device, []).append(i)
    answer: list[dict[str, Any]] = [{}] * len(frame.rows)
    scores = [np.empty(0)]
    for device, at in devices.items():
        readings = [_reading(frame.rows[i], i) for i in at]
        document = {**rest, "device_id": device, "readings": readings, "last_only": False}
        found = detect.answered(detector, cache, document, f"device {shorten(device)}")
        scores.append(found.scores.scores.score)
        for i, one in zip(at, _for_each_row(detector, found), strict=True):
            answer[i] = one
    return answer, np.concatenate(scores)


def _for_each_row(detector: Detector, found: detect.Detected) -> list[dict[str, Any]]:
    profile = detector.profile
    times = np.array([r.timestamp.timestamp() for r in found.request.readings])
    slots = grid.slots(profile, times)
    decides = windows.deciding_slot(profile, slots) * profile.interval_s
    records = dict(zip(found.scores.ends.tolist(), found.records, strict=True))
    # the decision after each row: within the table, or where its next one will be
    next_end = found.last + found.scores.readings_needed * profile.interval_s
    ends = np.append(found.scores.ends, next_end)
    following = ends[np.searchsorted(ends, decides)]
    lacking = following // profile.interval_s - slots
    return [
        records.get(end) or detect.undecided(found.request.device_id, slot * profile.interval_s, max(1, lack))
        for end, slot, lack in zip(decides.tolist(), slots.tolist(), lacking.tolist(), strict=True)
    ]


def _reading(row: Mapping[str, Any], i: int) -> dict[str, Any]:
    if "timestamp" not in row:
        raise unprocessable(
            "malformed_request", f"row {i} has no timestamp, expected a column or an index of that name", row=i
        )
    values = {name: value for name, value in row.items() if name not in {"timestamp", "device_id"}}
    return {"timestamp": _with_zone(row["timestamp"]), "values": values}


def _with_zone(value: object) -> object:
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return value  # what is wrong with it is said later
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()
    return value


def _cell(text: str) -> object:
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return number if np.isfinite(number) else None


def _check_rows(rows: Sequence[object]) -> None:
    if not rows:
        raise unprocessable("malformed_request", "the table has no row, expected one at least")
    if len(rows) > MOST_READINGS:
        message = f"{len(rows)} readings, expected at most {MOST_READINGS} a request: send them in several"
        raise unprocessable("too_many_readings", message, found=len(rows), expected=MOST_READINGS)
