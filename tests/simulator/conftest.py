"""Fleets that several tests look at, simulated once."""

import pytest

from aiot_anomaly.datasets.fleet import Fleet
from simulator import water
from simulator.clock import DAY_S

#: 2026-02-02T00:00:00Z, a Monday
MONDAY = 1_769_990_400


@pytest.fixture(scope="session")
def fortnight() -> Fleet:
    """Three districts over two weeks without leaks."""
    return water.simulate(3, MONDAY, MONDAY + 14 * DAY_S, seed=7, jobs=1)


@pytest.fixture(scope="session")
def monday() -> int:
    return MONDAY
