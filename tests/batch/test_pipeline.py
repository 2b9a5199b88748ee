"""The Beam pipeline, in the environment of its own: the decisions of `score` and `:detect` on the same files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly import detector, paths
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.history.places import place
from aiot_anomaly.history.score import score
from aiot_anomaly.windows import as_datetime
from batch import ordering, readings
from batch.readings import Packed

ROOT = paths.root()
PYTHON = ROOT / ".venv" / "beam" / "bin" / "python"
DEVICES, ROWS = 4, 1_600


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing: make .venv/beam/.ready")
    return subprocess.run(
        [PYTHON, "-m", "batch", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=250
    )


@pytest.fixture(scope="module")
def fleet() -> pd.DataFrame:
    """Readings around what the fleet's calibration takes as normal, and some that are not, by device and time."""
    model = detector.load(paths.models() / "leak")
    profile, rng = model.profile, np.random.default_rng(3)
    first = 1_780_272_000 // profile.interval_s
    at = (first + np.arange(ROWS)) * profile.interval_s
    normal = model.bundle.fleet.center.mean(axis=0)[: len(profile.sensors)]
    noise = model.bundle.fleet.scale.mean(axis=0)[: len(profile.sensors)]
    frames = []
    for i in range(DEVICES):
        values = normal + 0.3 * noise * rng.normal(size=(ROWS, len(normal)))
        values[1_200:1_500] += np.array([5, *[-5] * (len(normal) - 1)]) * noise
        values[rng.random(values.shape) < 0.01] = np.nan
        frame = pd.DataFrame(values, columns=list(profile.sensor_names))
        frame.insert(0, "timestamp", [as_datetime(t).isoformat() for t in at.tolist()])
        frame.insert(0, "device_id", f"d{i}")
        # one reading comes twice, with other values the second time
        frames += [frame[rng.random(ROWS) > 0.03], frame.iloc[[700]].assign(**{profile.sensor_names[0]: 1.0})]
    return pd.concat(frames, ignore_index=True)


def test_a_fleets_history_is_decided_as_one_recording_is(fleet: pd.DataFrame, tmp_path: Path):
    model = detector.load(paths.models() / "leak")
    whole = tmp_path / "whole.csv"
    fleet.to_csv(whole, index=False)
    summary = score(
        model, place(whole), place(tmp_path / "expected.parquet"), Layout(), sort=True, progress=False, rows=999
    )
    # months of all devices in files of their own, out of order within; one of them Parquet with several row groups
    time = pd.to_datetime(fleet["timestamp"], utc=True)
    parts = [fleet[time < "2026-06-08"], fleet[time >= "2026-06-08"]]
    (tmp_path / "in").mkdir()
    parts[0].iloc[::-1].sort_values("timestamp", kind="stable", ascending=False).iloc[::-1].to_csv(
        tmp_path / "in" / "readings-b.csv", index=False
    )
    parts[1].to_parquet(tmp_path / "in" / "readings-a.parquet", index=False, row_group_size=500)
    out = tmp_path / "out"
    done = run(f"{tmp_path}/in/readings-*", "--profile", "leak", "--out", str(out))
    assert done.returncode == 0, done.stderr[-3000:]

    expected, found = (
        pd.concat([pd.read_parquet(p) for p in files]).sort_values("id").reset_index(drop=True)
        for files in ([tmp_path / "expected.parquet"], sorted(out.glob("decisions-*.parquet")))
    )
    exact = ["id", "device_id", "window_end", "is_anomaly", "reason", "sensor", "incident_id", "incident_state"]
    pd.testing.assert_frame_equal(found[exact], expected[exact])
    assert found["is_anomaly"].any()
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-5)
    for sensor in model.profile.sensor_names:
        np.testing.assert_array_equal(found[sensor], expected[sensor])
        np.testing.assert_allclose(found[f"{sensor}_expected"], expected[f"{sensor}_expected"], rtol=1e-4)
    incidents = pd.concat(pd.read_parquet(p) for p in out.glob("incidents-*.parquet"))
    assert len(incidents) == summary.incidents == expected["incident_id"].nunique() >= DEVICES
    np.testing.assert_allclose(
        np.sort(incidents["peak_score"])[::-1], [f.peak_score for f in summary.worst][: len(incidents)], rtol=1e-5
    )
    told = json.loads(done.stdout)
    assert told == json.loads((out / "summary.json").read_text())
    assert {k: told[k] for k in summary.outcomes} == dict(summary.outcomes)
    assert sum(told[k] for k in summary.outcomes) == len(fleet)
    assert (told["devices"], told["decisions"]) == (DEVICES, len(expected))
    assert told["duplicate"] > 0


def test_a_pattern_that_fits_no_file_is_refused_in_one_line(tmp_path: Path):
    done = run(f"{tmp_path}/none-*.csv", "--profile", "leak", "--out", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"error: no file is called {tmp_path}/none-*.csv"


def _spoilt(fleet: pd.DataFrame, folder: Path, fault: str) -> Path:
    table, path = fleet.head(50).astype({"inflow_lps": object}), folder / "spoilt.csv"
    if fault == "value":
        table.loc[7, "inflow_lps"] = "oops"
    elif fault == "device":
        table.loc[7, "device_id"] = "d 1!"
    elif fault == "time":
        table.loc[7, "timestamp"] = "1950-01-01T00:00:00Z"
    elif fault == "sensor":
        table = table.rename(columns={"pressure_1_m": "pressure_one"})
    if fault == "cut off":
        path = folder / "spoilt.csv.gz"
        table.to_csv(path, index=False)
        path.write_bytes(path.read_bytes()[:-200])
    elif fault == "no table":
        path = folder / "spoilt.parquet"
        path.write_bytes(b"nonsense")
    else:
        table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("value", '"oops" at position 7; expected numbers, or empty cells where a value is missing'),
        ("device", "found the device id 'd 1!', expected up to 128 letters"),
        ("time", "row 7 has a time before 1970"),
        ("sensor", "lacks the columns ['pressure_1_m']; it has ['device_id', 'inflow_lps', 'pressure_2_m'"),
        ("cut off", "cannot be read as a table: Compressed file ended"),
        ("no table", "cannot be read as a table: Parquet magic bytes not found"),
    ],
)
def test_what_a_worker_cannot_read_is_told_in_one_line(fleet: pd.DataFrame, tmp_path: Path, fault: str, said: str):
    path = _spoilt(fleet, tmp_path, fault)
    done = run(str(path), "--profile", "leak", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {path}")
    assert said in line
    assert "running" not in line


@pytest.mark.parametrize("fault", ["missing", "corrupt"])
def test_a_bundle_that_cannot_be_used_is_told_in_one_line(fleet: pd.DataFrame, tmp_path: Path, fault: str):
    recording, bundle = tmp_path / "r.csv", tmp_path / "bundle"
    fleet.head(50).to_csv(recording, index=False)
    if fault == "corrupt":
        shutil.copytree(paths.models() / "leak", bundle)
        (bundle / "model.onnx").write_bytes(b"nonsense")
    done = run(str(recording), "--profile", "leak", "--bundle", str(bundle), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert str(bundle) in line


def test_where_nothing_can_be_written_it_is_told_in_one_line(fleet: pd.DataFrame, tmp_path: Path):
    recording = tmp_path / "r.csv"
    fleet.head(50).to_csv(recording, index=False)
    done = run(str(recording), "--profile", "leak", "--out", f"{recording}/out")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert f"{recording}/out" in line


@pytest.mark.parametrize("most", [10**9, 200])
def test_a_devices_readings_come_oldest_first_from_memory_and_from_disk(most: int):
    rng = np.random.default_rng(1)
    at = np.sort(rng.integers(0, 300, size=500)).astype(float)
    values = np.column_stack([np.arange(500.0), np.where(np.arange(500) % 7, 1.0, np.nan)])
    cuts = np.split(np.arange(500), range(50, 500, 50))
    pieces = [
        Packed("b" if i % 2 else "a", rows.tobytes(), at[rows].tobytes(), values[rows].tobytes())
        for i, rows in enumerate(cuts)
    ]
    found = list(ordering.oldest_first([pieces[i] for i in rng.permutation(len(pieces))], 2, most=most))
    times, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
    where = np.repeat([i % 2 for i in range(10)], 50)
    order = np.lexsort((np.arange(500), where, at))
    np.testing.assert_array_equal(times, at[order])
    np.testing.assert_array_equal(rows, values[order])


def test_a_piece_comes_out_as_it_was_packed(fleet: pd.DataFrame, tmp_path: Path):
    path = tmp_path / "r.parquet"
    fleet.to_parquet(path, index=False, row_group_size=3_000)
    profile = detector.load(paths.models() / "leak").profile
    parts = list(readings.parts(str(path)))
    assert [p.row_group for p in parts] == list(range(-(-len(fleet) // 3_000)))
    rows = 0
    for part in parts:
        for found in readings.packed(part, profile, Layout()):
            if not isinstance(found, int):
                device, packed = found
                piece = readings.unpacked(packed)
                assert set(fleet["device_id"].to_numpy()[piece.rows]) == {device}
                np.testing.assert_array_equal(piece.values, fleet.iloc[piece.rows][list(profile.sensor_names)])
                rows += len(piece.rows)
    assert rows == len(fleet)
