"""Readings on the grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import series
from tests.aiot_anomaly.kinds import measured
from tests.support.tiny_bundle import tiny_profile

PROFILE = tiny_profile()  # flow 0 … 100, pressure -5 … 15, once a minute


def test_a_time_belongs_to_the_nearest_slot_and_the_middle_to_the_next():
    np.testing.assert_array_equal(
        series.slots(PROFILE, np.array([0, 29, 30, 89, 90, -30, -31])), [0, 0, 1, 1, 2, 0, -1]
    )


def test_of_readings_in_one_slot_the_first_given_counts():
    found = series.on_grid(PROFILE, np.array([5, 4, 5]), np.array([[1.0, 1], [2, 2], [3, 3]]))
    assert found.first_slot == 4
    np.testing.assert_array_equal(found.values, [[2, 2], [1, 1]])


def test_a_value_out_of_range_is_missing_and_marked_and_its_neighbour_stays():
    found = series.on_grid(PROFILE, np.array([0, 1, 2]), np.array([[100.0, 15], [100.1, 3], [np.nan, -5.1]]))
    np.testing.assert_array_equal(found.values, [[100, 15], [np.nan, 3], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.out_of_range, [[False, False], [True, False], [False, True]])


def test_a_hole_is_rows_that_were_not_observed():
    found = series.on_grid(PROFILE, np.array([10, 13]), np.ones((2, 2)))
    np.testing.assert_array_equal(found.observed, [True, False, False, True])
    assert np.isnan(found.values[1:3]).all()
    assert not found.out_of_range.any()


def test_until_ends_the_series_before_or_after_the_last_reading():
    at, values = np.array([10, 11, 14]), np.ones((3, 2))
    assert len(series.on_grid(PROFILE, at, values, until=12)) == 3
    assert series.on_grid(PROFILE, at, values, until=12).observed.tolist() == [True, True, False]
    assert len(series.on_grid(PROFILE, at, values, until=20)) == 11
    assert len(series.on_grid(PROFILE, at, values, until=9)) == 0


def test_no_readings_give_an_empty_series():
    found = series.on_grid(PROFILE, np.empty(0, dtype=np.int64), np.empty((0, 2)))
    assert len(found) == 0
    assert found.values.shape == (0, 2)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_readings_does_not_matter(at, random):
    values = measured(len(at), seed=1)
    order = list(range(len(at)))
    random.shuffle(order)
    one = series.on_grid(PROFILE, np.array(at), values)
    other = series.on_grid(PROFILE, np.array(at)[order], values[order])
    assert one.first_slot == other.first_slot == min(at)
    for name in ("values", "observed", "out_of_range"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(st.lists(st.integers(-50, 50), max_size=30), st.integers(0, 9))
def test_every_reading_is_in_its_row_and_all_else_is_missing(at, seed):
    values = measured(len(at), seed, wrong=0)
    found = series.on_grid(PROFILE, np.array(at, dtype=np.int64), values)
    expected = {}
    for slot, row in zip(at, values, strict=True):
        expected.setdefault(slot, row)
    assert int(found.observed.sum()) == len(expected)
    for row in range(len(found)):
        slot = found.first_slot + row
        np.testing.assert_array_equal(found.values[row], expected.get(slot, [np.nan, np.nan]))
