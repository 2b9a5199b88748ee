from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.fleet import Fleet
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from simulator import replay
from simulator.clock import DAY_S
from simulator.errors import SimulatorError

LEAK = profile_store.load("leak")
START = 1_769_990_400


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame = pd.DataFrame({name: np.arange(10.0) + k for k, name in enumerate(LEAK.sensor_names)})
    frame.insert(0, "timestamp", pd.to_datetime(START + 900 * np.arange(10), unit="s", utc=True))
    frame["odd"] = (np.arange(10) // 2) % 2
    frame.to_parquet(tmp_path / "pump.parquet")
    frame.to_csv(tmp_path / "pump.csv", index=False)
    return tmp_path / "pump.csv"


def fleet(rows: int = 96 * 3) -> Fleet:
    times = START + 900 * np.arange(rows)
    return Fleet(
        tuple(
            Recording(d, times + 60 * k, np.full((rows, 6), float(k)), np.arange(rows) == 5)
            for k, d in enumerate(("a", "b"))
        )
    )


def test_parquet_and_csv_play_alike(table: Path) -> None:
    text, binary = (replay.load(str(table.with_suffix(s)), LEAK, label_column="odd") for s in (".csv", ".parquet"))
    assert text.truth == binary.truth
    assert [t.start for t in text.truth] == [START + 1800, START + 5400]
    np.testing.assert_array_equal(text.recordings[0].values, binary.recordings[0].values)
    np.testing.assert_array_equal(text.recordings[0].timestamps, binary.recordings[0].timestamps)


def test_columns_of_other_names_are_renamed_to_sensors_and_take_their_place(table: Path) -> None:
    first, second = LEAK.sensor_names[:2]
    values = replay.load(str(table), LEAK, rename={second: first, first: second}).recordings[0].values
    np.testing.assert_array_equal(values[:, :2], [[k + 1, k] for k in range(10)])
    (one,) = replay.load(str(table), LEAK, rename={"odd": first}).recordings
    assert set(one.values[:, 0]) == {0.0, 1.0}


def test_rows_of_several_devices_are_not_played_as_one(table: Path) -> None:
    frame = pd.read_csv(table)
    second = frame.assign(device_id="b", **{LEAK.sensor_names[0]: 99.0})
    pd.concat([frame.assign(device_id="a"), second]).to_csv(table, index=False)
    with pytest.raises(SimulatorError, match=r"10 of 20 rows .* --device-column \(such as device_id\)"):
        replay.load(str(table), LEAK)
    assert [len(r) for r in replay.load(str(table), LEAK, device_column="device_id").recordings] == [10, 10]
    # whoever says that it is one device is believed, and rows sent twice are of one
    assert [len(r) for r in replay.load(str(table), LEAK, device_id="a").recordings] == [20]
    pd.concat([frame, frame]).to_csv(table, index=False)
    assert [len(r) for r in replay.load(str(table), LEAK).recordings] == [20]


@pytest.mark.parametrize("rename", [{"flow": "inflow_lps"}, {"odd": "inflow_lps", "pressure_1_m": "inflow_lps"}])
def test_a_rename_that_cannot_be_is_refused(table: Path, rename: dict[str, str]) -> None:
    with pytest.raises(DatasetError, match="columns to rename"):
        replay.load(str(table), LEAK, rename=rename)


def test_a_recording_is_played_as_if_it_ended_or_began_at_a_given_time() -> None:
    now = int(time.time())
    ending = replay.arranged(fleet(), LEAK, end="now")
    assert now <= max(int(r.timestamps[-1]) for r in ending.recordings) <= now + 5
    begin = replay.arranged(fleet(), LEAK, start="2026-01-01T00:00Z")
    assert [int(r.timestamps[0]) for r in begin.recordings] == [1_767_225_600, 1_767_225_660]
    # the truth moves along
    assert [t.start for t in begin.truth] == [1_767_225_600 + 5 * 900, 1_767_225_660 + 5 * 900]
    assert np.array_equal(np.diff(begin.recordings[0].timestamps), np.diff(fleet().recordings[0].timestamps))


def test_a_part_of_a_recording_is_played() -> None:
    day = replay.arranged(fleet(), LEAK, days=1)
    assert [len(r) for r in day.recordings] == [96, 96]
    assert max(int(r.timestamps[-1]) for r in day.recordings) < START + DAY_S
    hourly = replay.arranged(fleet(), LEAK, interval_s=3600)
    assert hourly.recordings[0].timestamps.tolist() == list(range(START, START + 3 * DAY_S, 3600))


def test_one_recording_is_played_by_many_devices() -> None:
    many = replay.arranged(fleet(), LEAK, devices=3)
    assert [r.device_id for r in many.recordings] == ["a-1", "a-2", "a-3", "b-1", "b-2", "b-3"]
    assert [t.device_id for t in many.truth] == ["a-1", "a-2", "a-3", "b-1", "b-2", "b-3"]
    assert replay.arranged(fleet(), LEAK).recordings[0].device_id == "a"


@pytest.mark.parametrize("asked", [{"days": 0.0}, {"interval_s": 0}, {"devices": 0}])
def test_numbers_that_make_no_sense_are_refused(asked: dict[str, float]) -> None:
    with pytest.raises(SimulatorError, match="expected"):
        replay.arranged(fleet(), LEAK, **asked)  # type: ignore[arg-type]  # a whole number where it must be


def test_a_recording_without_rows_is_refused() -> None:
    with pytest.raises(SimulatorError, match="no rows"):
        replay.arranged(fleet(rows=0), LEAK)
