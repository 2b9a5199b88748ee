"""A first profile from a recording: what the rules choose, and that the file they write is read back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.__main__ import main
from aiot_anomaly.calibration import SCALE_FLOOR
from aiot_anomaly.datasets import table
from aiot_anomaly.datasets.first_profile import First, propose
from aiot_anomaly.datasets.survey import survey
from aiot_anomaly.errors import DatasetError


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def first(folder: Path, columns: Mapping[str, object], *, freq: str = "s") -> First:
    n = len(next(iter(columns.values())))  # type: ignore[call-overload]  # columns have a length
    path = folder / "own.csv"
    pd.DataFrame({"timestamp": pd.date_range("2026-01-05", periods=n, freq=freq), **columns}).to_csv(path, index=False)
    return propose(survey(path), "own")


def test_noise_by_the_second_gets_short_windows_and_one_level(tmp_path: Path) -> None:
    profile = first(tmp_path, {"a": noise(2000), "b": noise(2000, 1)}).profile
    assert (profile.interval_s, profile.season.kind, profile.derived) == (1, "none", ())
    assert (profile.span, profile.window.stride, profile.scoring.kind) == (12, 1, "two_sided")


def test_sensors_beside_each_other_are_judged_by_what_breaks_their_bond(tmp_path: Path) -> None:
    assert first(tmp_path, {"a": noise(2000), "b": noise(2000, 1)}).profile.scoring.whiten
    assert not first(tmp_path, {"a": noise(2000)}).profile.scoring.whiten


def test_slow_sensors_get_longer_windows(tmp_path: Path) -> None:
    slow = np.convolve(noise(4000), np.ones(30), "valid")
    assert first(tmp_path, {"a": slow}).profile.span >= 20


def test_days_that_are_alike_give_a_season_and_a_window_of_a_day(tmp_path: Path) -> None:
    hours = np.arange(60 * 24)
    daily = 10 + 3 * np.sin(2 * np.pi * hours / 24) + 0.3 * noise(len(hours))
    found = first(tmp_path, {"a": daily}, freq="h")
    assert (found.profile.season.kind, found.profile.span, found.profile.scoring.folds) == ("hour_of_week", 24, 2)
    # three weeks: two of them train, which is more than 40 %
    short = first(tmp_path, {"a": daily[: 27 * 24]}, freq="h")
    assert short.profile.season.kind == "hour_of_week"
    assert 14 / 27 < float(short.layout.train_until) <= 0.6
    # ten days: no two weeks to learn each hour from
    assert first(tmp_path, {"a": daily[: 14 * 24]}, freq="h").profile.season.kind == "none"


def test_the_last_quarter_of_a_window_is_judged(tmp_path: Path) -> None:
    assert first(tmp_path, {"a": noise(2000)}).profile.scoring.last_steps == 3
    hours = np.arange(60 * 24)
    daily = first(tmp_path, {"a": np.sin(2 * np.pi * hours / 24) + 0.1 * noise(len(hours))}, freq="h").profile
    assert (daily.window.steps, daily.scoring.last_steps) == (24, 6)


def test_a_machine_that_works_in_cycles_gets_a_window_of_four_and_is_judged_over_one(tmp_path: Path) -> None:
    pump = (np.arange(4000) % 96 < 30) + 0.1 * noise(4000)
    window = first(tmp_path, {"a": pump}, freq="min").profile.window
    assert window.steps == 24
    assert window.step == window.aggregate
    assert 90 <= window.step * 6 <= 102


def test_what_reports_each_minute_gets_a_short_window_also_where_days_are_alike(tmp_path: Path) -> None:
    minutes = np.arange(36 * 1440)
    found = first(tmp_path, {"a": np.sin(2 * np.pi * minutes / 1440) + noise(len(minutes))}, freq="min").profile
    assert found.season.kind == "hour_of_week"
    assert found.span <= 120


def test_a_day_with_holes_in_it_gives_way_to_a_short_window(tmp_path: Path) -> None:
    hours = np.arange(80 * 24)
    daily = np.sin(2 * np.pi * hours / 24) + 0.1 * noise(len(hours))
    daily[hours % 24 < 9] = np.nan
    assert first(tmp_path, {"a": daily, "b": daily}, freq="h").profile.span <= 12


def test_campaigns_far_apart_are_one_recording(tmp_path: Path) -> None:
    when = pd.date_range("2026-01-05", periods=2000, freq="min")
    when = when[:1200].append(when[1200:] + pd.Timedelta(days=20))
    pd.DataFrame({"timestamp": when, "a": noise(2000), "b": noise(2000, 1)}).to_csv(tmp_path / "own.csv", index=False)
    found = propose(survey(tmp_path / "own.csv"), "own")
    assert found.profile.sensor_names == ("a", "b")
    assert found.layout.train_until == 0.4
    assert found.profile.window.stride == 1


def test_a_counter_is_judged_by_what_it_counts_however_far_it_has_come(tmp_path: Path) -> None:
    used = np.abs(1 + 0.1 * noise(2000))
    profile = first(tmp_path, {"energy": 1e5 + np.cumsum(used), "flow": noise(2000, 1)}).profile
    assert [(d.sensor, d.span) for d in profile.derived] == [("energy", 1)]
    energy = profile.sensors[0]
    assert not energy.score_level
    assert 0.04 < energy.smallest_deviation < 0.06
    assert energy.valid_range[0] <= 0
    assert energy.valid_range[1] > 1e6


def test_one_large_anomaly_in_the_test_part_does_not_hide_the_small_ones(tmp_path: Path) -> None:
    calm = noise(2000)
    wild = np.where(np.arange(2000) == 1900, 1e4, calm)
    smallest = [first(tmp_path, {"a": a}).profile.sensors[0].smallest_deviation for a in (calm, wild)]
    assert smallest[0] == smallest[1]


def test_hourly_noise_has_no_season(tmp_path: Path) -> None:
    assert first(tmp_path, {"a": noise(60 * 24)}, freq="h").profile.season.kind == "none"


def test_a_level_that_drifts_is_judged_by_its_change(tmp_path: Path) -> None:
    rising = np.linspace(20, 60, 3000) + 0.2 * np.convolve(noise(3009), np.ones(10) / 10, "valid")
    steps = np.repeat([1.0, 5.0, 5.0, 5.0, 1.0], 600)
    profile = first(tmp_path, {"room": rising, "flow": noise(3000, 2), "setpoint": steps}).profile
    assert [(d.sensor, d.name, d.kind) for d in profile.derived] == [("room", "room_change", "change")]
    assert [s.score_level for s in profile.sensors] == [False, True, True]


def test_valid_ranges_hold_the_recording_with_ten_ranges_to_spare(tmp_path: Path) -> None:
    a = np.clip(noise(2000), -1, 1)
    low, high = first(tmp_path, {"a": a}).profile.sensors[0].valid_range
    assert -23 <= low <= -21
    assert 21 <= high <= 23


def test_what_rests_in_training_is_judged_by_its_moves_which_count_by_its_whole_range(tmp_path: Path) -> None:
    valve = np.where(np.arange(2000) > 1500, 1.0, 0.0)
    profile = first(tmp_path, {"a": noise(2000), "valve": valve}).profile
    assert [(d.sensor, d.kind, d.span) for d in profile.derived] == [("valve", "change", 1)]
    assert [s.score_level for s in profile.sensors] == [True, False]
    assert profile.sensors[1].smallest_deviation == 1.0


def test_a_level_that_hardly_moves_is_seen_no_finer_than_a_quarter_of_a_percent_of_it(tmp_path: Path) -> None:
    columns = {"pressure": 3 + 0.004 * noise(2000), "flow": 3 + 0.06 * noise(2000, 1)}
    pressure, flow = first(tmp_path, columns).profile.sensors
    assert SCALE_FLOOR * pressure.smallest_deviation == pytest.approx(0.0075, rel=0.05)
    assert flow.smallest_deviation == pytest.approx(0.03, rel=0.1)


def test_what_can_just_be_told_of_a_level_that_hardly_moves_is_in_range(tmp_path: Path) -> None:
    columns = {"frequency": 50 + 0.01 * np.clip(noise(2000), -1, 1), "flow": 3 + 0.06 * noise(2000, 1)}
    frequency, _ = first(tmp_path, columns).profile.sensors
    low, high = frequency.valid_range
    visible = SCALE_FLOOR * frequency.smallest_deviation
    assert low <= 50 - 8 * visible
    assert high >= 50 + 8 * visible


def test_a_single_sensor_is_seen_as_finely_as_it_moves(tmp_path: Path) -> None:
    (frequency,) = first(tmp_path, {"frequency": 50 + 0.02 * noise(2000)}).profile.sensors
    assert frequency.smallest_deviation == pytest.approx(0.01, rel=0.1)


def test_labelled_rows_move_nothing_of_the_training_part(tmp_path: Path) -> None:
    a = noise(3000)
    spoilt = a.copy()
    spoilt[200:400] = np.linspace(5, 8, 200)
    label = np.isin(np.arange(3000), range(200, 400)).astype(int)
    calm, cut = first(tmp_path, {"a": a, "label": 0 * label}), first(tmp_path, {"a": spoilt, "label": label})
    assert cut.profile.sensors[0].smallest_deviation == pytest.approx(
        calm.profile.sensors[0].smallest_deviation, rel=0.3
    )
    assert cut.layout.train_until == 0.4


def test_sensors_that_are_mostly_silent_are_left_out_and_usual_holes_are_filled(tmp_path: Path) -> None:
    often, rarely = noise(4000), noise(4000, 1)
    often[np.arange(4000) % 9 > 0] = np.nan
    rarely[np.arange(4000) % 400 > 0] = np.nan
    found = first(tmp_path, {"a": noise(4000, 2), "often": often, "rarely": rarely})
    assert found.profile.sensor_names == ("a", "often")
    assert found.profile.imputation.longest_gap >= 8
    assert found.found.left_out["rarely"].startswith("no value at 98%")


def test_sixty_sensors_fit_into_memory_by_a_stride(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {f"s{i}": noise(2000, i) for i in range(60)}
    assert first(tmp_path, columns).profile.window.stride == 1
    monkeypatch.setattr("aiot_anomaly.datasets.window_form.NUMBERS", 200_000)
    assert first(tmp_path, columns).profile.window.stride == 6


def test_a_recording_that_is_too_short_says_what_it_gives(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"too short.*gives only \d+ windows of 12 points 1 s apart.*expected 160"):
        first(tmp_path, {"a": noise(150)})


def test_the_command_writes_a_file_that_reads_the_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    when = pd.date_range("2026-01-05", periods=1000, freq="s").strftime("%d/%m/%Y %H:%M:%S")
    small = 1e-6 * noise(1000)
    columns = {"when": when, "Flow 1 [L/s]": small, "on": noise(1000, 1), "bad": ["no"] * 900 + ["yes"] * 100}
    pd.DataFrame(columns).to_csv("pump 7.csv", sep=";", decimal=",", index=False)
    assert main(["profile", "pump 7.csv", "--label", "bad"]) == 0
    told = capsys.readouterr().out
    assert "'Flow 1 [L/s]' is flow_1" in told
    assert "make train DATA='pump 7.csv' PROFILE=pump_7.yaml" in told
    profile, layout = profile_store.load("pump_7.yaml"), profile_store.layout("pump_7.yaml")
    assert profile.sensor_names == ("flow_1", "on")
    assert 0 < profile.sensors[0].smallest_deviation < 1e-6
    (recording,) = table.read_as(Path("pump 7.csv"), profile, layout)
    np.testing.assert_allclose(recording.values[:, 0], small)
    assert recording.labels is not None
    assert recording.labels.sum() == 100
    assert (recording.device_id, recording.train_rows) == ("pump 7", 400)


def test_of_a_level_that_hardly_moves_a_note_says_how_finely_it_is_seen(tmp_path: Path) -> None:
    grid = 50 + 0.005 * noise(2000)
    (note,) = first(tmp_path, {"hz": grid, "kw": 10 + noise(2000, 1)}).notes
    assert "hz was seen from" in note
    assert "no finer than 0.12" in note
    assert first(tmp_path, {"hz": grid}).notes == ()


def test_a_reader_that_has_enough_is_no_failure(tmp_path: Path) -> None:
    first(tmp_path, {"a": noise(1000)})
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "aiot_anomaly", "profile", "own.csv"]
    done = subprocess.run(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_command_writes_over_nothing_and_takes_no_shipped_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first(tmp_path, {"a": noise(1000)})
    Path("own.yaml").write_text("mine")
    assert main(["profile", "own.csv", "--out", "new/folder/own.yaml"]) == 0
    assert profile_store.load("new/folder/own.yaml").name == "own"
    assert main(["profile", "own.csv"]) == 1
    assert main(["profile", "own.csv", "--name", "skab", "--out", "other.yaml"]) == 1
    assert main(["profile", "none.csv"]) == 1
    assert main(["profile", "own.csv", "--out", "own.csv/own_2.yaml"]) == 1
    told = capsys.readouterr().err
    assert all(t in told for t in ("own.yaml is there already", "the profile skab is shipped", "no file none.csv"))
    assert "own.csv/own_2.yaml cannot be written" in told
    assert Path("own.yaml").read_text() == "mine"
    assert main(["profile", "own.csv", "--force"]) == 0
    assert profile_store.load("own.yaml").name == "own"
