"""Where the districts' statistics stand: measured over four weeks of twelve districts, beside what is published."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import water
from simulator.clock import DAY_S

DAYS = 28


@pytest.fixture(scope="module")
def inflows(monday: int) -> list[NDArray[np.float64]]:
    """(days, steps) of each district; the first day is a Monday."""
    fleet = water.simulate(12, monday, monday + DAYS * DAY_S, seed=11, jobs=1)
    return [r.values[:, 0].reshape(DAYS, 96) for r in fleet.recordings]


def night(inflow: NDArray[np.float64]) -> NDArray[np.float64]:
    """(days) mean flow from 2 to 4 o'clock, when it is least."""
    return np.asarray(inflow[:, 8:16].mean(axis=1))


def test_night_flow_is_that_of_a_district_without_much_leakage(inflows: list[NDArray[np.float64]]) -> None:
    # up to about half of the mean is no sign of major leakage (Walski, MNFs and DMAs: new concepts?, Bentley)
    assert all(0.30 < np.median(night(q)) / q.mean() < 0.5 for q in inflows)


def test_night_flow_varies_from_day_to_day_by_one_to_three_percent_of_itself(
    inflows: list[NDArray[np.float64]],
) -> None:
    # what is simulated; real districts vary more, so leaks are easier to find here than there
    weekend = np.arange(DAYS) % 7 >= 5
    for q in inflows:
        mnf = night(q)
        apart = np.concatenate([mnf[w] - mnf[w].mean() for w in (weekend, ~weekend)])
        assert 0.008 < apart.std() / mnf.mean() < 0.035


def test_the_days_peak_hour_and_the_weekend_are_those_of_some_thousands_of_consumers(
    inflows: list[NDArray[np.float64]],
) -> None:
    weekend = np.arange(DAYS) % 7 >= 5
    for q in inflows:
        hours = q.reshape(DAYS, 24, 4).mean(axis=2)
        assert 1.3 < (hours.max(axis=1) / hours.mean(axis=1)).mean() < 1.9
        assert 0.85 < hours[weekend].mean() / hours[~weekend].mean() < 1.15
        later = hours[weekend].mean(axis=0)[5:13].argmax() - hours[~weekend].mean(axis=0)[5:13].argmax()
        assert 1 <= later <= 3
