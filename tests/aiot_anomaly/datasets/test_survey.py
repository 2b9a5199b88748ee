"""A recording that nobody has described: what is found in it, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly.datasets.survey import Survey, survey
from aiot_anomaly.errors import DatasetError

N = 600
HOURS = pd.date_range("2026-01-03", periods=N, freq="h")
FLOW = np.random.default_rng(0).normal(50, 2, N).round(3)


def written(folder: Path, columns: dict[str, object], **options: object) -> Path:
    path = folder / "own.csv"
    pd.DataFrame(columns).to_csv(path, index=False, **options)
    return path


def found(folder: Path, columns: dict[str, object], **options: object) -> Survey:
    return survey(written(folder, columns, **options))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    of = found(tmp_path, {"time": HOURS, "flow": FLOW}, sep=separator)
    assert (of.layout.separator, of.layout.timestamp, of.interval_s) == (separator, "time", 3600)
    np.testing.assert_array_equal(of.devices["own"][:, 0], FLOW)


def test_decimal_commas_and_a_unit_in_brackets_and_another_encoding(tmp_path: Path) -> None:
    columns = {"Zeit": HOURS.strftime("%d.%m.%Y %H:%M"), "Wärme (°C)": FLOW}
    of = found(tmp_path, columns, sep=";", decimal=",", encoding="latin-1")
    assert (of.layout.decimal, of.layout.day_first, of.sensors[0].unit) == (",", True, "°C")
    assert of.layout.columns == {"warme": "Wärme (°C)"}
    np.testing.assert_array_equal(of.devices["own"][:, 0], FLOW)


def test_date_and_time_of_day_are_one_time_also_where_all_rows_are_of_one_day(tmp_path: Path) -> None:
    when = pd.date_range("2026-05-25 06:00", periods=N, freq="s")
    columns = {"Datum": when.strftime("%d.%m.%Y"), "Uhrzeit": when.strftime("%H:%M:%S"), "flow": FLOW}
    of = found(tmp_path, columns, sep=";", decimal=",")
    assert (of.layout.timestamp, of.interval_s) == (("Datum", "Uhrzeit"), 1)
    assert (of.start, of.end - of.start) == (when[0].timestamp(), N - 1)


def test_columns_that_are_no_sensors_are_left_out_with_the_reason(tmp_path: Path) -> None:
    columns = {
        "Unnamed: 0": range(N), "timestamp": HOURS, "flow": FLOW, "site": "north", "firmware": 7, "spare": np.nan,
        "changepoint": np.arange(N) == 400, "anomaly": (np.arange(N) > 400).astype(int),
    }  # fmt: skip
    of = found(tmp_path, columns)
    assert [s.name for s in of.sensors] == ["flow"]
    assert {c: why.split(" ")[0] for c, why in of.left_out.items()} == {
        "Unnamed: 0": "counts", "site": "text", "firmware": "constant", "spare": "empty", "changepoint": "looks",
    }  # fmt: skip
    assert of.layout.label == "anomaly"
    assert of.anomalous == pytest.approx(199 / N)
    assert of.marked["own"].sum() == 199


@pytest.mark.parametrize(
    ("name", "cells", "normal"),
    [
        ("is_anomaly", [0, 1], None),
        ("Normal/Attack", ["Normal", "Attack"], "Normal"),
        ("machine_status", ["NORMAL", "BROKEN"], "NORMAL"),
        (" ATT_FLAG", [-999, 1], "-999"),
        ("class", [0, 1], None),
        ("leak", [0, 1], None),
        ("attack", [False, True], None),
    ],
)
def test_a_label_is_found_by_its_name_whatever_it_holds(
    tmp_path: Path, name: str, cells: list[object], normal: str | None
) -> None:
    of = found(tmp_path, {"timestamp": HOURS, "flow": FLOW, name: [cells[int(i > 500)] for i in range(N)]})
    assert (of.layout.label, of.layout.label_normal) == (name.strip(), normal)
    assert np.flatnonzero(of.marked["own"]).tolist() == list(range(501, N))


def test_a_status_in_numbers_is_a_sensor_and_no_label(tmp_path: Path) -> None:
    of = found(tmp_path, {"timestamp": HOURS, "flow": FLOW, "status": np.arange(N) % 2})
    assert [s.name for s in of.sensors] == ["flow", "status"]
    assert of.layout.label is None


def test_date_and_time_of_day_may_be_two_columns_and_words_may_stand_for_no_value(tmp_path: Path) -> None:
    cells = [str(v) if i % 50 else "?" for i, v in enumerate(FLOW)]
    of = found(tmp_path, {"Date": HOURS.strftime("%d/%m/%Y"), "Time": HOURS.strftime("%H:%M:%S"), "flow": cells})
    assert (of.layout.timestamp, of.layout.missing, of.interval_s) == (("Date", "Time"), ("?",), 3600)
    assert np.isnan(of.devices["own"][::50, 0]).all()


def test_doubles_disorder_and_holes_are_counted(tmp_path: Path) -> None:
    order = [0, 2, 1, 3, 3, *range(10, 100)]
    of = found(tmp_path, {"timestamp": HOURS[order], "flow": FLOW[order]})
    assert (of.doubles, of.unsorted, of.runs.tolist()) == (1, 1, [6])
    assert of.missing == pytest.approx(6 / 100)


def test_devices_are_found_where_times_repeat(tmp_path: Path) -> None:
    columns = {"timestamp": [*HOURS, *HOURS], "machine_id": ["a"] * N + ["b"] * N, "flow": [*FLOW, *FLOW[::-1]]}
    of = found(tmp_path, columns)
    assert of.layout.device == "machine_id"
    np.testing.assert_array_equal(of.devices["b"], of.devices["a"][::-1])


def test_the_offset_of_the_times_is_kept_for_the_season(tmp_path: Path) -> None:
    assert found(tmp_path, {"time": [f"{t.isoformat()}-03:30" for t in HOURS], "flow": FLOW}).utc_offset_h == -3.5


def test_a_value_that_stands_for_none_is_no_value(tmp_path: Path) -> None:
    flow = FLOW.copy()
    flow[::40] = -999
    (sensor,) = found(tmp_path, {"timestamp": HOURS, "flow": flow}).sensors
    assert (sensor.sentinel, sensor.low) == (-999, FLOW[np.arange(N) % 40 > 0].min())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("timestamp,flow\n", "a header and no rows"),
        ("timestamp,flow\n2026-01-01,1\n", "has 1 row with a time"),
        ("a,b\n1.5,x\n2.5,y\n", "no column of times"),
        ("timestamp,b\n2026-01-01,x\n2026-01-02,y\n", r"no numeric column that varies, beside the time: 'b' text"),
        ("timestamp\n2026-01-01\n2026-01-02\n", "nothing else is in it"),
        ("1767225600,1\n1767225660,2\n1767225720,3\n", "begins with 1767225600, 1; expected a header line"),
        ("timestamp,b\n2026-01-01,1\n2026-01-02,1,2,3\n", r"as a table: Expected 2 fields in line 3, saw 4$"),
        ("2026-01-01,1\n2026-01-02,2\n2026-01-03,3\n", "begins with 2026-01-01, 1; expected a header line"),
        ("timestamp,b\n2026-01-01,1\n2026-01-01,2\n", "all rows have the same time|no column of times"),
    ],
)
def test_a_table_that_holds_nothing_to_learn_from_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=fault):
        survey(path)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no column 'when'"):
        survey(written(tmp_path, {"timestamp": HOURS, "flow": FLOW}), timestamp="when")
