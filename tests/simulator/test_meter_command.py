"""`python -m simulator meters`, as a person types it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.messages import parse_readings
from simulator.cli import main

BASE = "timestamp,mill,bakery\n" + "".join(
    f"2026-03-{2 + h // 24:02d}T{h % 24:02d}:00:00Z,{10 + h % 24},{h % 24}\n" for h in range(96)
)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.csv"
    path.write_text(BASE, encoding="utf-8")
    return path


def test_help_names_every_type_of_fraud(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["meters", "--help"])
    told = capsys.readouterr().out
    for word in ("h1", "h6", "bypass", "stuck", "silent", "household,shop,industry", "examples:", "--base FILE"):
        assert word in told


def test_a_fleet_is_written_with_its_frauds_as_truth(tmp_path: Path) -> None:
    asked = "meters --meters 11-14 --days 40 --fraud meter-0012:bypass:-10d --quiet --sink csv --out"
    assert main([*asked.split(), str(tmp_path)]) == 0
    fleet = fleet_files.read(tmp_path, profile_store.load("fraud"))
    assert [r.device_id for r in fleet.recordings] == ["meter-0011", "meter-0012", "meter-0013", "meter-0014"]
    assert all(len(r) == 960 and r.timestamps[-1] < time.time() for r in fleet.recordings)
    (told,) = (t for t in fleet.truth if t.anomalous)
    assert (told.device_id, told.kind) == ("meter-0012", "bypass")
    # from a midnight on until the end
    assert told.start % 86_400 == 0
    assert told.end == fleet.recordings[1].timestamps[-1] + 3600
    assert {t.kind for t in fleet.truth if not t.anomalous} <= {"vacation", "appliance"}


def test_random_frauds_take_turns_in_the_types_that_are_asked_for(tmp_path: Path) -> None:
    asked = "meters --meters 9 --days 60 --quiet-days 20 --random-fraud 4 --fraud-types h2,dead --fraud-days 5 --quiet"
    assert main([*asked.split(), "--sink", "csv", "--out", str(tmp_path)]) == 0
    frauds = [t for t in fleet_files.read_truth(tmp_path / "truth.csv") if t.anomalous]
    assert sorted(t.kind for t in frauds) == ["dead", "dead", "h2", "h2"]
    assert all(t.end - t.start == 5 * 86_400 for t in frauds)


def test_real_consumption_is_sent_at_its_own_times_without_its_truth(
    base: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    truth = tmp_path / "truth.csv"
    asked = ["meters", "--base", str(base), "--batch", "24", "--fraud", "meter-0001:h6:2026-03-03:1", "--quiet"]
    assert main([*asked, "--truth", str(truth)]) == 0
    batches = [parse_readings(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert sorted({b.device_id for b in batches}) == ["meter-0001", "meter-0002"]
    values = {
        reading.timestamp.isoformat(): reading.values["consumption_kwh"]
        for b in batches
        if b.device_id == "meter-0001"
        for reading in b.readings
    }
    assert len(values) == 96
    assert values["2026-03-03T00:00:00+00:00"] == 33
    assert values["2026-03-03T23:00:00+00:00"] == 10
    assert values["2026-03-04T00:00:00+00:00"] == 10
    (told,) = fleet_files.read_truth(truth)
    assert (told.kind, told.size) == ("h6", 0.0)


def test_a_part_of_real_consumption_is_sent(base: Path, tmp_path: Path) -> None:
    asked = ["meters", "--base", str(base), "--meters", "2-2", "--end", "2026-03-05T12:00Z", "--days", "1", "--quiet"]
    assert main([*asked, "--sink", "csv", "--out", str(tmp_path / "fleet")]) == 0
    (recording,) = fleet_files.read(tmp_path / "fleet", profile_store.load("fraud")).recordings
    assert recording.device_id == "meter-0002"
    assert recording.values[:, 0].tolist() == [h % 24 for h in range(12, 36)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("--meters many", "--meters many; expected how many"),
        ("--interval 900", "meters are read every 3600 s"),
        ("--kinds farm", "expected some of household, shop, industry"),
        ("--fraud meter-0001", "expected METER:TYPE:START[:DAYS]"),
        ("--fraud meter-0009:h1:-1d:1", "not simulated"),
        ("--random-fraud 2", "2 random frauds in 1 meters"),
        ("--random-fraud 1 --fraud-types h9 --fraud-days 2", "'h9'"),
        ("--base nothing.csv", "no file nothing.csv"),
    ],
)
def test_a_mistake_is_answered_with_one_line(asked: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", *asked.split()]) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("asked", ["--start 2026-03-01", "--end 2026-03-07", "--days 5", "--meters 3"])
def test_what_the_base_does_not_have_is_refused(asked: str, base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meters", "--base", str(base), *asked.split()]) == 1
    assert "not within" in (error := capsys.readouterr().err) or "base of 2 consumers" in error
