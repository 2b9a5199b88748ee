from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly.datasets.fleet import Fleet
from aiot_anomaly.datasets.recording import Recording
from simulator import water
from simulator.clock import DAY_S
from simulator.district import District
from simulator.errors import SimulatorError
from simulator.leak import Leak
from simulator.night_flow import NightFlow


def recorded(flow: list[float], leaking: list[bool]) -> Recording:
    """One reading an hour: the given flow from 2 to 4 o'clock of each day, and 100 L/s at all others."""
    hours = np.arange(24 * len(flow))
    night = (hours % 24 >= 2) & (hours % 24 < 4)
    inflow = np.where(night, np.repeat(flow, 24), 100.0)
    return Recording("dma-01", hours * 3600, inflow[:, None], np.repeat(leaking, 24))


def test_only_the_hours_of_the_night_count() -> None:
    found = NightFlow.of(recorded([4.0, 6.0, 5.0, 8.0], [False, False, False, True]))
    assert found.days.tolist() == [0, 1, 2, 3]
    assert found.flow.tolist() == [4.0, 6.0, 5.0, 8.0]
    assert found.leaking.tolist() == [False, False, False, True]


def test_nights_are_compared_with_the_median_of_those_without_a_leak() -> None:
    found = NightFlow.of(recorded([4.0, 6.0, 5.0, 8.0], [False, False, False, True]))
    np.testing.assert_allclose(found.relative, [0.8, 1.2, 1.0, 1.6])
    assert found.lift == pytest.approx(0.6)
    assert found.spread == pytest.approx(np.std([0.8, 1.2, 1.0]))
    assert np.isnan(NightFlow.of(recorded([4.0, 6.0], [False, False])).lift)


def test_a_reading_that_is_missing_is_left_out() -> None:
    recording = recorded([4.0, 6.0], [False, False])
    recording.values[2] = np.nan
    assert NightFlow.of(recording).flow.tolist() == [4.0, 6.0]


def test_a_simulated_leak_lifts_the_night_by_its_flow(fortnight: Fleet, monday: int) -> None:
    leak = Leak("dma-01", 0.05, monday + 10 * DAY_S, monday + 14 * DAY_S)
    (leaky,) = water.simulate([1], monday, monday + 14 * DAY_S, leaks=[leak], seed=7).recordings
    with_it, without = NightFlow.of(leaky), NightFlow.of(fortnight.recordings[0])
    added = with_it.flow - without.flow
    assert with_it.leaking.tolist() == [False] * 10 + [True] * 4
    np.testing.assert_array_equal(added[:10], 0)
    np.testing.assert_allclose(added[10:], 0.05 * District.of(7, 1).mean_inflow, rtol=0.02)


def test_without_labels_or_a_night_to_compare_with_it_is_an_error() -> None:
    with pytest.raises(SimulatorError, match="dma-01 has no labels; expected a simulated one"):
        NightFlow.of(replace(recorded([4.0], [False]), labels=None))
    with pytest.raises(SimulatorError, match="dma-01 has no night without an anomaly among 2"):
        NightFlow.of(recorded([4.0, 5.0], [True, True]))
