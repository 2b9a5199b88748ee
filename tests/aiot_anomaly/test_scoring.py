"""The score: its parts, its signs, and what it does not depend on."""

from __future__ import annotations

import numpy as np
import pytest
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
    np.testing.assert_allclose(scoring.direction(variant("directed"), np.array([2.0, 0.25, 4.0])), [0.5, -2.0, 0.25])


@given(st.integers(0, 2**16), st.floats(0.1, 5))
def test_a_directed_score_answers_to_the_declared_direction_alone(seed, size):
    of, scale = variant("directed"), np.array([1.0, 0.5, 1.0])
    level, residual = normal(seed), normal(seed + 1)
    weights = scoring.filter_weights(of, level, residual, scale)
    way = size * scoring.direction(of, scale)[None, :]
    assert scoring.directed(way, way, weights, 1.0)[0] > 0
    assert scoring.directed(-way, -way, weights, 1.0)[0] == 0
    score = scoring.directed(level, residual, weights, 2.0)
    assert (score >= 0).all()
    further = scoring.directed(level + way, residual + way, weights, 2.0)
    assert (further[score > 0] > score[score > 0]).all()
    assert (further >= score).all()


@given(st.integers(0, 2**16))
def test_the_matched_filter_tells_the_declared_anomaly_best(seed):
    """No other weights of the sort separate the anomaly better from the regularised normal spread."""
    of, scale = variant("directed"), np.array([1.0, 0.5, 1.0])
    level, residual = normal(seed), normal(seed + 1)
    weights = scoring.filter_weights(of, level, residual, scale)
    assert np.linalg.norm(weights) == pytest.approx(1.0)
    delta = np.tile(scoring.direction(of, scale), 2)
    uncertain = of.scoring.response_uncertainty**2 * np.diag(delta**2)
    spread = scoring.covariance(np.hstack([level, residual])) + uncertain + of.scoring.ridge * np.eye(2 * F)

    def separation(w):
        return (w @ delta) / np.sqrt(w @ spread @ w)

    rng = np.random.default_rng(seed)
    assert all(separation(weights + 0.1 * rng.normal(size=2 * F)) <= separation(weights) + 1e-9 for _ in range(20))


def test_an_input_that_is_not_scored_has_no_part_in_the_filter():
    sensors = document()["sensors"]
    sensors[0].update(direction="up", score_level=False)
    of = profile(sensors=sensors, scoring={"kind": "directed", "last_steps": 1})
    weights = scoring.filter_weights(of, normal(1), normal(2), np.ones(F))
    np.testing.assert_array_equal(weights != 0, [False, True, True, False, True, True])


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_severity_rises_with_the_score_from_0_over_a_half_at_the_threshold(a, b):
    low, high = sorted((a, b))
    assert 0 <= scoring.severity(low) <= scoring.severity(high) <= 1
    assert scoring.severity(0.0) == 0
    assert scoring.severity(1.0) == 0.5
