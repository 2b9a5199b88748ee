from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import table
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile

HEADER = "when;meter;inflow_lps;pressure_1_m;pressure_2_m;pressure_3_m;pressure_4_m;pressure_5_m;bad;note\n"


@pytest.fixture
def leak() -> Profile:
    return profile_store.load("leak")


def test_devices_are_told_apart_and_their_rows_sorted_by_time(tmp_path: Path, leak: Profile) -> None:
    path = tmp_path / "meters.csv"
    rows = (
        "2026-01-01T00:15;b;1;2;3;4;5;6;0;x\n"
        "2026-01-01T00:00Z;b;7;2;3;4;;6;1;y\n"
        "2026-01-01T01:00+01:00;a;1;2;3;4;5;inf;0;\n"
    )
    path.write_text(HEADER + rows, encoding="utf-8")
    a, b = table.read(path, leak, timestamp_column="when", device_column="meter", label_column="bad", separator=";")
    assert (a.device_id, b.device_id) == ("a", "b")
    assert b.timestamps.tolist() == [1_767_225_600, 1_767_226_500]
    assert a.timestamps.tolist() == [1_767_225_600]
    assert b.values[:, 0].tolist() == [7.0, 1.0]
    assert np.isnan(b.values[0, 4])
    assert np.isnan(a.values[0, 5])
    assert b.labels is not None
    assert b.labels.tolist() == [True, False]


def test_unix_seconds_and_parquet_are_read_and_the_device_is_the_files_name(tmp_path: Path, leak: Profile) -> None:
    frame = pd.DataFrame({s: [1.0, 2.0] for s in leak.sensor_names}).assign(timestamp=[1_767_225_600, 1_767_226_500])
    frame.to_parquet(tmp_path / "dma-77.parquet")
    (only,) = table.read(tmp_path / "dma-77.parquet", leak)
    assert only.device_id == "dma-77"
    assert only.timestamps.tolist() == [1_767_225_600, 1_767_226_500]
    assert only.labels is None


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a,b\n1,2\n", r"lacks the columns \['timestamp', 'inflow_lps'"),
        ("", "cannot be read as a table"),
        (HEADER.replace(";", ",").replace("when", "timestamp") + "soon,b,1,2,3,4,5,6,0,\n", "expected ISO 8601"),
        (
            HEADER.replace(";", ",").replace("when", "timestamp") + "2026-01-01,b,high,2,3,4,5,6,0,\n",
            "expected numbers",
        ),
    ],
)
def test_a_table_that_does_not_fit_says_what_is_wrong(tmp_path: Path, leak: Profile, text: str, match: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=match):
        table.read(path, leak)


def test_a_missing_file_is_an_error(tmp_path: Path, leak: Profile) -> None:
    with pytest.raises(DatasetError, match="no file"):
        table.read(tmp_path / "none.csv", leak)
