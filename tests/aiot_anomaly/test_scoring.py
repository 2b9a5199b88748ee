"""The score: its parts, its signs, and what it does not depend on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from aiot_anomaly import scoring
from tests.aiot_anomaly.kinds import document, profile, variant

F = 3  # inputs of the tiny profile: flow, pressure, and the change of flow


def normal(seed: int, n: int = 200, width: int = F):
    """Correlated rows around zero."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) @ rng.normal(size=(width, width))


@given(st.integers(0, 2**16), st.integers(2, 80), st.integers(1, 6))
def test_the_covariance_is_that_of_scikit_learn(seed, n, width):
    rows = normal(seed, n, width) + 7.0
    expected, _ = ledoit_wolf(rows)
    np.testing.assert_allclose(scoring.covariance(rows), expected, rtol=1e-9, atol=1e-12)


def test_rows_that_never_change_have_no_covariance():
    np.testing.assert_array_equal(scoring.covariance(np.ones((10, 3))), np.zeros((3, 3)))


def test_the_precision_inverts_the_regularised_covariance():
    of, level = variant(), normal(1)
    found = scoring.precision(of, level) @ (scoring.covariance(level) + of.scoring.ridge * np.eye(F))
    np.testing.assert_allclose(found, np.eye(F), atol=1e-9)


@given(st.integers(0, 2**16))
def test_an_input_that_is_not_scored_has_no_precision_and_no_weight(seed):
    sensors = document()["sensors"]
    sensors[0]["score_level"] = False
    of = profile(sensors=sensors, scoring={"last_steps": 1})
    level = normal(seed)
    found = scoring.precision(of, level)
    assert not found[0].any()
    assert not found[:, 0].any()
    other = level.copy()
    other[:, 0] = normal(seed + 1)[:, 0]
    np.testing.assert_array_equal(scoring.precision(of, other), found)
    np.testing.assert_array_equal(scoring.distance(other, found), scoring.distance(level, found))
    np.testing.assert_array_equal(scoring.mask(of), [0, 1, 1])


@given(st.integers(0, 2**16), st.floats(0.01, 100), st.permutations(range(F)))
def test_a_two_sided_score_knows_no_sign_scales_and_needs_no_order_of_inputs(seed, factor, order):
    level, residual = normal(seed), normal(seed + 1)
    weights = np.stack([scoring.precision(variant(), rows) for rows in (level, residual)])
    scales = np.array([2.0, 3.0])
    score = scoring.two_sided(level, residual, weights, scales)
    assert (score >= 0).all()
    np.testing.assert_allclose(scoring.two_sided(-level, -residual, weights, scales), score, rtol=1e-12)
    scaled = scoring.two_sided(factor * level, factor * residual, weights, scales)
    np.testing.assert_allclose(scaled, factor * score, rtol=1e-9)
    moved = scoring.two_sided(level[:, order], residual[:, order], weights[:, order][:, :, order], scales)
    np.testing.assert_allclose(moved, score, rtol=1e-9)


def test_a_two_sided_score_joins_level_and_shape():
    level, residual = normal(1), normal(2)
    weights = np.stack([scoring.precision(variant(), rows) for rows in (level, residual)])
    nothing, scales = np.zeros_like(level), np.array([2.0, 3.0])
    np.testing.assert_array_equal(scoring.two_sided(nothing, nothing, weights, scales), np.zeros(len(level)))
    only_level = scoring.two_sided(level, nothing, weights, scales)
    np.testing.assert_allclose(only_level, np.sqrt([m @ weights[0] @ m / 2 for m in level]))
    only_shape = scoring.two_sided(nothing, residual, weights, scales)
    np.testing.assert_allclose(only_shape, np.sqrt([e @ weights[1] @ e / 3 for e in residual]))
    both = scoring.two_sided(level, residual, weights, scales)
    np.testing.assert_allclose(both**2, only_level**2 + only_shape**2)
    for share in (0.0, 0.3):
        weighed = scoring.two_sided(level, residual, weights, scales, level_weight=share)
        np.testing.assert_allclose(weighed**2, share * only_level**2 + only_shape**2)


def test_an_anomaly_moves_the_inputs_as_declared():
    # flow up by 1, pressure down by 0.5, and what is derived from flow as flow
    np.testing.assert_allclose(scoring.direction(variant(), np.array([2.0, 0.25, 4.0])), [0.5, -2.0, 0.25])


@given(st.integers(0, 2**16))
def test_whitened_rows_are_uncorrelated_of_deviation_1_and_come_back(seed):
    of, rows = variant("whitened"), normal(seed)
    of = of.model_copy(update={"scoring": of.scoring.model_copy(update={"ridge": 1e-9})})
    there, back = scoring.whitening(of, rows)
    np.testing.assert_allclose(there, there.T, atol=1e-6 * np.abs(there).max())
    np.testing.assert_allclose(there @ scoring.covariance(rows) @ there, np.eye(F), atol=1e-4)
    np.testing.assert_allclose(rows @ there @ back, rows, atol=1e-6 * np.abs(rows).max())


def test_a_whitened_input_stands_for_what_its_sensor_says_that_the_others_do_not():
    """Two sensors that move as one: a small difference between them stands out, a large common move does not."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=(1000, 1))
    rows = np.hstack([common, common, rng.normal(size=(1000, 1))]) + 0.05 * rng.normal(size=(1000, F))
    there, _ = scoring.whitening(profile(scoring={"last_steps": 1, "whiten": True, "ridge": 1e-6}), rows)
    together, apart = np.linalg.norm([1.0, 1.0, 0.0] @ there), np.linalg.norm([0.2, -0.2, 0.0] @ there)
    assert apart > 2 * together
    np.testing.assert_array_equal(np.argsort(np.abs(there[2]))[-1], 2)


def test_the_ridge_bounds_by_how_much_a_small_deviation_is_enlarged():
    rows = np.tile(np.random.default_rng(1).normal(size=(100, 1)), (1, F))
    for ridge in (0.1, 0.001):
        there, _ = scoring.whitening(profile(scoring={"last_steps": 1, "whiten": True, "ridge": ridge}), rows)
        assert np.linalg.norm(there, 2) <= ridge**-0.5 + 1e-9


def test_an_input_that_is_not_scored_has_no_part_in_the_whitening():
    sensors = document()["sensors"]
    sensors[0]["score_level"] = False
    found = scoring.whitening(profile(sensors=sensors, scoring={"last_steps": 1, "whiten": True}), normal(1))
    assert not found[:, 0].any()
    assert not found[:, :, 0].any()
    assert found[:, 1:, 1:].any()


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_severity_rises_with_the_score_from_0_over_a_half_at_the_threshold(a, b):
    low, high = sorted((a, b))
    assert 0 <= scoring.severity(low) <= scoring.severity(high) <= 1
    assert scoring.severity(0.0) == 0
    assert scoring.severity(1.0) == 0.5
