"""A fleet of meters: what is consumed is never touched, and what is metered only where a fraud is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.errors import DatasetError
from simulator import meters, recorded
from simulator.clock import DAY_S
from simulator.consumers import KINDS
from simulator.errors import SimulatorError
from simulator.fraud import TYPES, Fraud, device_name

REPOSITORY = Path(__file__).resolve().parents[2]
HOUR_S = 3600


def series(kind: str, monday: int, first: int, days: int) -> tuple[meters.Meter, meters.Meter]:
    """Meter 2 over three weeks, honest, and with a fraud."""
    start, end = monday + 5 * HOUR_S, monday + 21 * DAY_S
    fraud = Fraud("meter-0002", kind, monday + first * DAY_S, monday + (first + days) * DAY_S)
    (honest,) = meters.simulate([2], start, end, seed=4)
    (cheating,) = meters.simulate([2], start, end, seed=4, frauds=[fraud])
    return honest, cheating


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(TYPES), st.integers(0, 20), st.integers(1, 8))
def test_a_fraud_never_changes_consumption_and_nothing_outside_its_days(kind: str, first: int, days: int) -> None:
    monday = 1_769_990_400
    honest, cheating = series(kind, monday, first, days)
    during = (honest.timestamps >= monday + first * DAY_S) & (honest.timestamps < monday + (first + days) * DAY_S)
    np.testing.assert_array_equal(cheating.consumed, honest.consumed)
    np.testing.assert_array_equal(cheating.metered[~during], honest.metered[~during])
    assert not np.array_equal(cheating.metered[during], honest.metered[during], equal_nan=True)
    labels = np.isin(cheating.recording.timestamps, honest.timestamps[during])
    assert cheating.recording.labels is not None
    np.testing.assert_array_equal(cheating.recording.labels, labels)


def test_an_honest_meter_reports_what_is_consumed_to_the_watt_hour(monday: int) -> None:
    for m in meters.simulate(5, monday, monday + 7 * DAY_S, seed=4):
        np.testing.assert_array_equal(m.metered, m.consumed.round(3))
        assert m.recording.labels is not None
        assert not m.recording.labels.any()
        assert m.kind in KINDS


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("h1", 0.2, 0.9),
        ("h2", 0.05, 0.95),
        ("h3", 0.45, 0.65),
        ("h4", 0.45, 0.65),
        ("h5", -0.001, 0.001),
        ("h6", -0.001, 0.001),
        ("bypass", 0.2, 0.95),
        ("dead", 1, 1),
        ("silent", 1, 1),
    ],
)
def test_the_truth_says_which_share_of_the_energy_is_not_metered(
    kind: str, least: float, most: float, monday: int
) -> None:
    honest, cheating = series(kind, monday, 7, 10)
    (told,) = (t for t in cheating.truth if t.anomalous)
    during = (honest.timestamps >= told.start) & (honest.timestamps < told.end)
    lost = 1 - np.nansum(cheating.metered[during]) / honest.consumed[during].sum()
    assert (told.device_id, told.kind) == ("meter-0002", kind)
    assert (told.start, told.end) == (monday + 7 * DAY_S, monday + 17 * DAY_S)
    assert told.size == pytest.approx(lost, abs=1e-4)
    assert least <= told.size <= most


def test_a_stuck_meter_repeats_the_last_reading_before(monday: int) -> None:
    honest, cheating = series("stuck", monday, 7, 3)
    at = int(np.searchsorted(honest.timestamps, monday + 7 * DAY_S))
    assert set(cheating.metered[at : at + 72].tolist()) == {float(honest.metered[at - 1])}
    # one that begins with the range: of the day before it
    fraud = Fraud("meter-0002", "stuck", monday, monday + DAY_S)
    (stuck,) = meters.simulate([2], monday, monday + DAY_S, seed=4, frauds=[fraud])
    (before,) = meters.simulate([2], monday - DAY_S, monday, seed=4)
    assert set(stuck.metered.tolist()) == {float(before.metered[-1])}


def test_a_silent_meter_sends_no_reading(monday: int) -> None:
    honest, cheating = series("silent", monday, 7, 3)
    assert len(honest.recording) - len(cheating.recording) == 72
    assert not np.isnan(cheating.recording.values).any()


def test_another_range_and_another_fleet_give_the_same_readings_where_they_overlap(monday: int) -> None:
    frauds = [
        Fraud(device_name(n), kind, monday + 2 * DAY_S, monday + 9 * DAY_S) for n, kind in enumerate(TYPES, start=1)
    ]
    whole = list(meters.simulate(12, monday, monday + 14 * DAY_S, seed=9, frauds=frauds))
    part = meters.simulate(range(3, 11), monday + 3 * DAY_S + 7 * HOUR_S, monday + 8 * DAY_S, seed=9, frauds=frauds[2:])
    for m in part:
        full = next(w for w in whole if w.device_id == m.device_id)
        at = np.searchsorted(full.timestamps, m.timestamps)
        np.testing.assert_array_equal(full.timestamps[at], m.timestamps)
        np.testing.assert_array_equal(full.consumed[at], m.consumed)
        np.testing.assert_array_equal(full.metered[at], m.metered)


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    asked = "meters --meters 4 --start 2026-03-02 --end 2026-03-30 --seed 11 --random-fraud 3 --sink csv --quiet --out"
    for folder in ("one", "two"):
        command = [sys.executable, "-m", "simulator", *asked.split(), str(tmp_path / folder)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "of 4 devices" in done.stderr
    for name in (fleet_files.READINGS, fleet_files.TRUTH):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_fleet_written_and_read_is_the_same_with_its_labels(tmp_path: Path, monday: int) -> None:
    profile = profile_store.load("fraud")
    frauds = [Fraud("meter-0001", "h4", monday + 2 * DAY_S, monday + 5 * DAY_S)]
    fleet = meters.fleet(meters.simulate(2, monday, monday + 7 * DAY_S, seed=9, frauds=frauds))
    assert fleet_files.write(tmp_path, fleet, profile) == 2 * 168
    back = fleet_files.read(tmp_path, profile)
    assert sorted(back.truth, key=repr) == sorted(fleet.truth, key=repr)
    for mine, read in zip(fleet.recordings, back.recordings, strict=True):
        np.testing.assert_array_equal(mine.values, read.values)
        np.testing.assert_array_equal(mine.labels, read.labels)


def test_readings_are_within_what_the_profile_takes_for_possible(monday: int) -> None:
    (sensor,) = profile_store.load("fraud").sensors
    for m in meters.simulate(40, monday, monday + 28 * DAY_S, seed=2):
        assert m.recording.values.min() >= sensor.valid_range[0]
        assert m.recording.values.max() < sensor.valid_range[1]


def test_readings_are_of_full_hours_and_of_the_past(monday: int) -> None:
    (m,) = meters.simulate(1, monday + 1, monday + 3 * HOUR_S + 1)
    assert m.timestamps.tolist() == [monday + HOUR_S, monday + 2 * HOUR_S, monday + 3 * HOUR_S]
    now = int(time.time())
    assert next(meters.simulate(1, now - 2 * DAY_S)).timestamps[-1] < now
    with pytest.raises(SimulatorError, match="future"):
        meters.simulate(1, now - DAY_S, now + HOUR_S)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"meters": 0}, "one or more"),
        ({"meters": [1, 1]}, "different numbers"),
        ({"end": 1}, "an end after the start"),
        ({"kinds": ["farm"]}, "household, shop, industry"),
        ({"holidays": "XX"}, "expected one of BR"),
        ({"frauds": [("meter-0009", 0, 1)]}, "not simulated"),
        ({"frauds": [("meter-0001", 30, 31)]}, "outside the simulated range"),
        ({"frauds": [("meter-0001", 1, 3), ("meter-0001", 2, 4)]}, "two frauds at a time"),
        ({"base": [], "meters": 1}, "base of 0 consumers"),
    ],
)
def test_what_cannot_be_simulated_is_refused(asked: dict[str, object], match: str, monday: int) -> None:
    frauds = [
        Fraud(device, "h1", monday + first * DAY_S, monday + stop * DAY_S)
        for device, first, stop in asked.pop("frauds", [])  # type: ignore[attr-defined]  # from the list above
    ]
    with pytest.raises(SimulatorError, match=match):
        list(meters.simulate(**{"meters": 1, "start": monday, "end": monday + 7 * DAY_S, "frauds": frauds, **asked}))


def table(path: Path, *, rows: int = 72, first: str = "2026-03-02T05:00:00Z") -> Path:
    """A table of two consumers with a hole in the second and a row that comes twice."""
    times = pd.date_range(first, periods=rows, freq="h")
    frame = pd.DataFrame({"time": times, "mill": np.arange(rows) + 1.0, "bakery": 0.5 + np.arange(rows) % 24})
    frame.loc[10:12, "bakery"] = np.nan
    frame = pd.concat([frame, frame.iloc[3:4].assign(mill=99.0)])
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["base.csv", "base.parquet"])
def test_real_consumption_takes_the_place_of_the_drawn_one(name: str, tmp_path: Path) -> None:
    base = recorded.read(table(tmp_path / name), timestamp_column="time")
    assert [c.kind for c in base] == ["mill", "bakery"]
    start, end = base[0].start, base[0].end
    assert end - start == 72 * HOUR_S
    day = -(-start // DAY_S) * DAY_S
    frauds = [Fraud("meter-0001", "h6", day, day + DAY_S), Fraud("meter-0002", "stuck", day, day + DAY_S)]
    mill, bakery = meters.simulate(2, start, end, base=base, frauds=frauds)
    np.testing.assert_array_equal(mill.consumed, np.arange(72) + 1.0)
    np.testing.assert_array_equal(mill.metered[19:43], mill.consumed[19:43][::-1])
    np.testing.assert_array_equal(mill.metered[43:], mill.consumed[43:])
    # what the table does not say is not sent
    assert len(bakery.recording) == 69
    assert set(bakery.metered[19:43].tolist()) == {18.5}
    assert [t.kind for t in (*mill.truth, *bakery.truth)] == ["h6", "stuck"]


def test_a_meter_that_is_stuck_from_the_first_reading_on_is_refused(tmp_path: Path) -> None:
    base = recorded.read(table(tmp_path / "base.csv", first="2026-03-02T00:00:00Z"), timestamp_column="time")
    fraud = Fraud("meter-0001", "stuck", base[0].start, base[0].start + DAY_S)
    with pytest.raises(SimulatorError, match="stuck from its first reading"):
        list(meters.simulate(1, base[0].start, base[0].end, base=base, frauds=[fraud]))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("time,a\n2026-01-01T00:00Z,1\n", "expected 'timestamp'"),
        ("timestamp\n2026-01-01T00:00Z\n", "one column of kWh for each consumer"),
        ("timestamp,a\n", "0 rows"),
        ("timestamp,a\n2026-01-01T00:30Z,1\n", "not of a full hour"),
        ("timestamp,a\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,-2\n", "a is -2 in row 1"),
        ("timestamp,a\n2026-01-01T00:00Z,much\n", "expected numbers"),
        ("timestamp,a\n7200,1\n", "expected a later time"),
    ],
)
def test_a_table_that_is_no_hourly_consumption_is_refused(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text(text, encoding="utf-8")
    with pytest.raises((SimulatorError, DatasetError), match=match):
        recorded.read(tmp_path / "base.csv")


def test_real_buildings_are_a_base_for_every_fraud() -> None:
    if not os.environ.get("AIOT_DATA_DIR"):
        stop = pytest.fail if os.environ.get("AIOT_REQUIRE_DATA") == "1" else pytest.skip
        stop("reads real meters: set AIOT_DATA_DIR to a folder with electricity/bdg2_hourly_sample.csv")
    base = recorded.read(Path(os.environ["AIOT_DATA_DIR"]) / "electricity" / "bdg2_hourly_sample.csv")
    assert [len(c.kwh) for c in base] == [6_553, 6_553]
    (honest, _) = meters.simulate(2, base[0].start, base[0].end, base=base)
    first = -(-base[0].start // DAY_S) + 20
    for kind in TYPES:
        fraud = Fraud("meter-0001", kind, first * DAY_S, (first + 28) * DAY_S)
        (m,) = meters.simulate(1, base[0].start, base[0].end, base=base, frauds=[fraud], seed=1)
        np.testing.assert_array_equal(m.consumed, honest.consumed)
        assert m.truth[0].size > -0.01
