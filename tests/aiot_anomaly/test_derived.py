"""Derived inputs: what each is of, how far it looks back, and between which bounds it lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.derived import Change, Log

OFFSET = 0.1


def log(**options) -> Log:
    return Log(kind="log", name="l", sensor="s", offset=OFFSET, **options)


def test_a_logarithm_is_of_the_value_so_many_intervals_ago():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    np.testing.assert_allclose(log().of(values), np.log(values + OFFSET))
    np.testing.assert_allclose(log(ago=2).of(values), [np.nan, np.nan, *np.log(values[:2] + OFFSET)])


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 15), st.integers(0, 99))
def test_a_logarithm_is_of_the_mean_of_so_many_values(span, ago, n, seed):
    values = np.random.default_rng(seed).uniform(0, 100, n)
    found = log(span=span, ago=ago).of(values)
    for i in range(n):
        past = values[i - ago - span + 1 : i - ago + 1] if i >= ago + span - 1 else np.array([np.nan])
        np.testing.assert_allclose(found[i], np.log(past.mean() + OFFSET))


def test_roughness_is_of_the_mean_absolute_step():
    found = log(quantity="steps", span=3).of(np.array([1.0, 3.0, 2.0, 2.0]))
    np.testing.assert_allclose(found, [np.nan, np.nan, np.log(1.5 + OFFSET), np.log(0.5 + OFFSET)])
    assert log(quantity="steps", span=3).of(np.full(3, 7.0))[-1] == pytest.approx(np.log(OFFSET)), "a flat day"


@given(st.integers(1, 4), st.integers(0, 3), st.sampled_from(["mean", "steps"]))
def test_a_missing_value_is_missed_as_long_as_it_is_looked_back_at(span, ago, quantity):
    of = log(span=span + 1, ago=ago, quantity=quantity)
    values = np.ones(20)
    values[8] = np.nan
    missed = np.flatnonzero(np.isnan(of.of(values))).tolist()
    assert missed == sorted({*range(of.memory), *range(8 + ago, 8 + of.memory + 1)})


def test_a_quantity_comes_back_from_its_logarithm_and_is_never_below_zero():
    quantity = np.array([0.0, 0.5, 3.0])
    np.testing.assert_allclose(log().undone(log().taken(quantity)), quantity, atol=1e-12)
    np.testing.assert_array_equal(log().undone(np.array([-50.0])), [0.0])
    np.testing.assert_array_equal(log().taken(np.array([-3.0])), log().taken(np.array([0.0])))


@given(st.sampled_from(["mean", "steps"]), st.integers(0, 99))
def test_bounds_hold_whatever_a_sensor_within_its_range_reports(quantity, seed):
    values = np.random.default_rng(seed).uniform(0, 9, 30)
    for of in (log(span=3, quantity=quantity), Change(kind="change", name="c", sensor="s", span=3)):
        low, high = of.bounds(0, 9)
        found = of.of(values)[of.memory :]
        assert (found >= low).all()
        assert (found <= high).all()
