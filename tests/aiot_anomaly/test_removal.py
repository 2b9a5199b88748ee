"""What was removed as one number: what counts, how much, and from where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import removal
from tests.aiot_anomaly.kinds import meter

OF = meter()
F, T = len(OF.input_names), OF.window.steps
WEIGHTS = removal.weights(OF)


def scored(removed):
    last, whole, _ = removal.parts(OF, removed)
    return removal.score(last, whole, WEIGHTS, 1.0)


def test_inputs_count_as_the_profile_says_and_sum_to_one():
    last, whole = np.split(WEIGHTS, 2)
    np.testing.assert_allclose(last, np.array([0, 1, 1, 1, 1, 0, 2, 0]) / 6)
    np.testing.assert_allclose(whole, 1.5 * last)


def test_nothing_removed_scores_zero_and_the_same_of_every_input_its_size():
    np.testing.assert_array_equal(scored(np.zeros((2, T, F))), [0, 0])
    only_last = np.zeros((1, T, F))
    only_last[:, -1] = -2.0
    np.testing.assert_allclose(scored(only_last), [2.0])
    np.testing.assert_allclose(scored(np.full((1, T, F), 2.0)), [3.0], err_msg="the whole window counts 1.5")


@given(st.integers(0, 2**16))
def test_a_score_knows_no_sign_and_grows_with_what_was_removed(seed):
    removed = np.random.default_rng(seed).normal(size=(5, T, F))
    score = scored(removed)
    np.testing.assert_array_equal(scored(-removed), score)
    np.testing.assert_allclose(scored(3 * removed), 3 * score)
    more = removed.copy()
    more[:, 2] *= 1.5
    assert (scored(more) >= score).all()


@given(st.integers(0, 2**16))
def test_what_does_not_count_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    removed = rng.normal(size=(5, T, F))
    other = removed.copy()
    other[:, :, [0, 5, 7]] = rng.normal(size=(5, T, 3))
    np.testing.assert_array_equal(scored(other), scored(removed))


def test_the_last_row_is_given_as_it_is():
    removed = np.random.default_rng(0).normal(size=(3, T, F))
    np.testing.assert_array_equal(removal.parts(OF, removed)[2], removed[:, -1])


def test_a_device_whose_normal_days_look_odd_is_given_half_of_the_way_to_its_own_scale():
    last, whole, _ = removal.parts(OF, np.random.default_rng(0).normal(size=(500, T, F)))
    one, odd = (removal.scale(k * last, k * whole, WEIGHTS) for k in (1.0, 9.0))
    assert odd / one == pytest.approx(3.0)
    score = removal.score(last, whole, WEIGHTS, one)
    assert np.quantile(score, 0.99) == pytest.approx(one), "the rest of the way is left to the threshold"
