from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet
from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError

LEAK = profile_store.load("leak")
START = 1_767_225_600  # 2026-01-01T00:00:00Z


def recording(device: str) -> Recording:
    values = np.round(np.arange(24.0).reshape(4, 6) / 7, 2)
    values[1, 2] = np.nan
    return Recording(device, START + 900 * np.arange(4), values)


def test_what_was_written_is_read_back_with_labels_from_the_truth(tmp_path: Path) -> None:
    truth = (
        Truth("dma-02", "leak", START + 900, START + 2700, 0.05),
        Truth("dma-02", "flushing", START, START + 900, 0.2, anomalous=False),
    )
    written = Fleet((recording("dma-01"), recording("dma-02")), truth)
    assert fleet.write(tmp_path, written, LEAK) == 8
    back = fleet.read(tmp_path, LEAK)
    assert sorted(back.truth, key=lambda t: t.kind) == sorted(truth, key=lambda t: t.kind)
    for before, after in zip(written.recordings, back.recordings, strict=True):
        assert before.device_id == after.device_id
        np.testing.assert_array_equal(before.timestamps, after.timestamps)
        np.testing.assert_array_equal(before.values, after.values)
    assert [r.labels.tolist() for r in back.recordings if r.labels is not None] == [
        [False] * 4,
        [False, True, True, False],
    ]
    assert {p.name for p in tmp_path.iterdir()} == {"readings.csv", "truth.csv"}


def test_a_truth_about_sensors_names_them_and_any_other_has_the_columns_that_it_always_had(tmp_path: Path) -> None:
    leak = Truth("dma-01", "leak", START, START + 900, 0.05)
    stuck = Truth("dma-01", "stuck", START, START + 1800, 0.0, sensor="pressure_2_m")
    header = "device_id,kind,start,end,size,anomalous"
    for truth, expected in (((leak,), header), ((leak, stuck), f"{header},sensor")):
        fleet.write_truth(tmp_path / "truth.csv", truth)
        assert (tmp_path / "truth.csv").read_text(encoding="utf-8").splitlines()[0] == expected
        assert fleet.read_truth(tmp_path / "truth.csv") == truth


def test_without_truth_nothing_is_labelled(tmp_path: Path) -> None:
    fleet.write(tmp_path, Fleet((recording("dma-01"),)), LEAK)
    (tmp_path / fleet.TRUTH).unlink()
    assert fleet.read(tmp_path, LEAK).recordings[0].labels is None


def test_a_folder_without_readings_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no file .*readings\.csv"):
        fleet.read(tmp_path, LEAK)


def test_a_broken_truth_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / fleet.TRUTH
    path.write_text("device_id,kind,start,end,size,anomalous\ndma-01,leak,soon,later,0.1,true\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="line 2"):
        fleet.read_truth(path)
    path.write_text("device,kind\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="has the columns"):
        fleet.read_truth(path)
