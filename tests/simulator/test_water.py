from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.datasets.fleet import Fleet, Truth
from simulator import water
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.happenings import Happenings
from simulator.leak import Leak


def test_the_same_seed_gives_the_same_bytes_with_one_process_and_with_two(
    tmp_path: Path, fortnight: Fleet, monday: int
) -> None:
    profile = profile_store.load("leak")
    again = water.simulate(3, monday, monday + 14 * DAY_S, seed=7, jobs=2)
    fleet_files.write(tmp_path / "one", fortnight, profile)
    fleet_files.write(tmp_path / "two", again, profile)
    for name in (fleet_files.READINGS, fleet_files.TRUTH):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_and_another_district_differ(fortnight: Fleet, monday: int) -> None:
    other = water.simulate(1, monday, monday + DAY_S, seed=8).recordings[0]
    first, second = (r.values[:96] for r in fortnight.recordings[:2])
    assert not np.array_equal(other.values, first)
    assert not np.array_equal(second, first)


def test_another_range_of_dates_gives_the_same_values_where_they_overlap(fortnight: Fleet, monday: int) -> None:
    whole = fortnight.recordings[1]
    part = water.simulate([2], monday + 3 * DAY_S + 5 * 3600, monday + 5 * DAY_S + 900, seed=7).recordings[0]
    at = np.searchsorted(whole.timestamps, part.timestamps)
    np.testing.assert_array_equal(whole.timestamps[at], part.timestamps)
    np.testing.assert_array_equal(whole.values[at], part.values)


def test_readings_lie_on_the_grid_and_before_the_end(monday: int) -> None:
    r = water.simulate(1, monday + 1, monday + 3601).recordings[0]
    assert r.timestamps.tolist() == [monday + 900, monday + 1800, monday + 2700, monday + 3600]


def test_no_reading_is_of_the_future() -> None:
    now = int(time.time())
    assert water.simulate(1, now - 2 * DAY_S).recordings[0].timestamps[-1] < now
    with pytest.raises(SimulatorError, match="future"):
        water.simulate(1, now - DAY_S, now + 1800)


def test_demand_is_residential(fortnight: Fleet) -> None:
    for r in fortnight.recordings:
        inflow = r.values[:, 0].reshape(-1, 96)
        mean = inflow.mean()
        assert 9 < mean < 45
        assert 0.30 < np.median(inflow[:, 8:16].mean(axis=1)) / mean < 0.45  # 2 to 4 o'clock
        assert np.all(inflow.max(axis=1) > 1.2 * mean)
        working, weekend = inflow[[0, 1, 2, 3, 4, 7, 8, 9, 10, 11]], inflow[[5, 6, 12, 13]]
        # on weekends the morning comes later
        assert weekend[:, 20:48].mean(axis=0).argmax() > working[:, 20:48].mean(axis=0).argmax()


def test_pressures_are_as_sensors_report_them(fortnight: Fleet) -> None:
    for r in fortnight.recordings:
        inflow, pressures = r.values[:, 0], r.values[:, 1:]
        assert pressures.min() > 10
        assert pressures.max() < 150
        assert all(np.corrcoef(inflow, p)[0, 1] < -0.5 for p in pressures.T)
        np.testing.assert_array_equal(np.round(r.values, 2), r.values)


def test_a_leak_raises_the_inflow_by_its_size_lowers_the_pressures_and_spares_what_was_before(
    fortnight: Fleet, monday: int
) -> None:
    start, end = monday + 7 * DAY_S + 3600, monday + 14 * DAY_S
    for number, without in enumerate(fortnight.recordings, 1):
        leak = Leak(without.device_id, 0.05, start, end)
        leaking = water.simulate([number], monday, end, leaks=[leak], seed=7)
        (r,) = leaking.recordings
        during = r.timestamps >= start
        np.testing.assert_array_equal(r.values[~during], without.values[~during])
        change = (r.values - without.values)[during].mean(axis=0)
        assert change[0] / without.values[:, 0].mean() == pytest.approx(0.05, abs=0.005)
        assert np.all(change[1:] < -0.2)
        assert r.labels is not None
        np.testing.assert_array_equal(r.labels, during)
        assert leaking.truth == (Truth(without.device_id, "leak", start, end, 0.05),)


@pytest.mark.parametrize("size", [0.005, 0.05, 0.2])
def test_a_leak_of_x_percent_raises_the_mean_inflow_by_x_percent_within_a_tenth(
    size: float, fortnight: Fleet, monday: int
) -> None:
    end = monday + 14 * DAY_S
    for number, without in enumerate(fortnight.recordings[:2], 1):
        # the sensors' errors are of the same numbers in both: a share of the flow, which the leak hardly changes
        leak = Leak(without.device_id, size, monday, end, orifice=number == 2)
        with_leak = water.simulate([number], monday, end, leaks=[leak], seed=7).recordings[0]
        raised = with_leak.values[:, 0].mean() / without.values[:, 0].mean() - 1
        assert raised == pytest.approx(size, rel=0.1)


def test_an_incipient_leak_is_seen_little_at_first_and_whole_at_last(fortnight: Fleet, monday: int) -> None:
    start, end = monday + 4 * DAY_S, monday + 14 * DAY_S
    leak = Leak("dma-01", 0.1, start, end, growth_s=8 * DAY_S)
    fleet = water.simulate([1], monday, end, leaks=[leak], seed=7)
    more = (fleet.recordings[0].values - fortnight.recordings[0].values)[:, 0]
    mean = fortnight.recordings[0].values[:, 0].mean()
    days = more.reshape(-1, 96).mean(axis=1) / mean
    assert np.all(days[:4] == 0)
    grown = ((np.arange(8) + 0.5) / 8) ** 2
    np.testing.assert_allclose(days[4:12], 0.1 * grown, rtol=0.1, atol=0.001)
    np.testing.assert_allclose(days[12:], 0.1, rtol=0.1)
    assert fleet.truth == (Truth("dma-01", "incipient leak", start, end, 0.1),)


def test_pieces_are_the_whole_in_any_number_of_processes(fortnight: Fleet, monday: int) -> None:
    leaks = [Leak("dma-02", 0.05, monday + 5 * DAY_S, monday + 9 * DAY_S, growth_s=2 * DAY_S)]
    end = monday + 10 * DAY_S - 3600
    whole = water.simulate(3, monday, end, leaks=leaks, seed=7, jobs=1)
    pieces = list(water.stream(3, monday, end, Happenings(leaks), days=4, seed=7, jobs=2))
    assert len(pieces) == 3
    assert tuple(t for piece in pieces for t in piece.truth) == whole.truth
    for i, r in enumerate(whole.recordings):
        for name in ("timestamps", "values", "labels"):
            parts = [getattr(piece.recordings[i], name) for piece in pieces]
            np.testing.assert_array_equal(np.concatenate(parts), getattr(r, name))
    np.testing.assert_array_equal(whole.recordings[0].values, fortnight.recordings[0].values[: 10 * 96 - 4])


def test_where_the_leak_is_decides_which_pressure_falls_most(fortnight: Fleet, monday: int) -> None:
    span = (monday, monday + DAY_S)
    falls = []
    for node in ("10", "255"):
        leak = Leak("dma-01", 0.3, *span, node)
        leaking = water.simulate(1, *span, leaks=[leak], seed=7).recordings[0]
        falls.append((fortnight.recordings[0].values[:96] - leaking.values).mean(axis=0)[1:])
    assert not np.allclose(falls[0], falls[1], rtol=0.05)


@pytest.mark.parametrize(
    ("leak", "match"),
    [
        (Leak("dma-09", 0.05, 0, 2_000_000_000), "not simulated"),
        (Leak("dma-01", 0.05, 0, 1), "outside the simulated range"),
        (Leak("dma-01", 0.05, 0, 2_000_000_000, "nowhere"), "no junction 'nowhere'"),
    ],
)
def test_a_leak_that_cannot_be_is_refused(leak: Leak, match: str, monday: int) -> None:
    with pytest.raises(SimulatorError, match=match):
        water.simulate(1, monday, monday + DAY_S, leaks=[leak])


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"interval_s": 1000}, "divisor of a day"),
        ({"end": 1}, "an end after the start"),
        ({"districts": [1, 1]}, "different numbers"),
        ({"districts": 0}, "one or more"),
    ],
)
def test_what_cannot_be_simulated_is_refused(asked: dict[str, object], match: str, monday: int) -> None:
    with pytest.raises(SimulatorError, match=match):
        water.simulate(**{"districts": 1, "start": monday, "end": monday + DAY_S, **asked})


def test_epanets_files_are_gone_afterwards(monday: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    water.simulate(1, monday, monday + DAY_S)
    assert list(tmp_path.iterdir()) == []
