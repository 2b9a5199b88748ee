"""What sensors are like by nature."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.datasets import traits

RNG = np.random.default_rng(0)
HOUR = np.arange(24 * 40)


def wandering(n: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(size=n))


def test_a_counter_rises_and_may_be_exchanged_once() -> None:
    energy = np.cumsum(RNG.exponential(size=3000).round(1))
    energy[2000:] -= energy[2000]
    switch = np.repeat([0.0, 1.0], 1500)
    columns = np.column_stack([energy, switch, wandering(3000), RNG.normal(size=3000)])
    columns[100:200, 0] = np.nan
    assert traits.counting([columns]).tolist() == [True, False, False, False]
    counted = traits.counted(columns, traits.counting([columns]))
    np.testing.assert_allclose(counted[201:2000, 0], np.diff(energy)[200:1999])
    np.testing.assert_array_equal(counted[:, 1:], columns[:, 1:])


@pytest.mark.parametrize(
    ("values", "is_daily"),
    [
        (np.sin(2 * np.pi * HOUR / 24) + RNG.normal(size=len(HOUR)), True),
        # two peaks a day, on a level that wanders much further
        (np.cos(2 * np.pi * HOUR / 12) + 0.1 * wandering(len(HOUR)), True),
        (wandering(len(HOUR)), False),
        (RNG.normal(size=len(HOUR)), False),
        # on and off every other hour: it repeats after a day, too
        ((HOUR // 2 % 2).astype(float), False),
        (np.zeros(len(HOUR)), False),
    ],
    ids=["noisy", "two peaks", "wandering", "noise", "a fast cycle", "resting"],
)
def test_the_day_explains_what_repeats_slowly_from_day_to_day(values: np.ndarray, is_daily: bool) -> None:
    values = values.copy()
    values[[50, 51, 52, 400]] = np.nan
    assert traits.daily([values[:, None]], 3600).tolist() == [is_daily]
    assert not traits.daily([values[: 3 * 24, None]], 3600)[0]
    assert not traits.daily([values[:, None]], 7 * 3600)[0]


def test_a_cycle_is_as_long_as_it_takes_to_be_alike_again() -> None:
    at = np.arange(4000)
    pump = (at % 73 < 25).astype(float) + 0.1 * RNG.normal(size=len(at))
    assert 71 <= traits.period(pump[:, None]) <= 75
    # its own level and one of three others: a quarter of them has a cycle
    others = np.column_stack([wandering(4000, k) for k in range(3)])
    assert 71 <= traits.period(np.column_stack([pump, others])) <= 75
    assert traits.period(others) == traits.period(RNG.normal(size=(4000, 1))) == traits.period(pump[:20, None]) == 0


def test_what_rests_moves_in_no_device_and_a_hole_is_no_move() -> None:
    still, moving = np.full(50, 0.1), np.r_[np.zeros(40), np.ones(10)]
    still[10:20] = np.nan
    parts = [np.column_stack([still, still, moving]), np.column_stack([still, moving, still])]
    assert traits.resting(parts).tolist() == [True, False, False]
