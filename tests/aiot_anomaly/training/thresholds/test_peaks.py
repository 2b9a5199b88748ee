"""Peaks over threshold: known tails are found, and what is no such tail is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from aiot_anomaly.training.thresholds.peaks import FEWEST, Tail, peaks, tail
from tests.aiot_anomaly.training.thresholds.made import exponential, held

SHAPES = (-0.3, 0.0, 0.2)


def pareto(n, shape, seed=0):
    return stats.genpareto.rvs(shape, size=n, random_state=seed)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_quantile_far_out_is_nearer_than_luck_would_have_it(shape):
    true = stats.genpareto.ppf(0.999, shape)
    errors = {"peaks": [], "plain": []}
    for seed in range(20):
        scores = pareto(2000, shape, seed)
        errors["peaks"].append(tail(scores, 0.001).quantile(0.001) - true)
        errors["plain"].append(np.quantile(scores, 0.999) - true)
    spread = {name: float(np.sqrt(np.mean(np.square(e)))) for name, e in errors.items()}
    assert spread["peaks"] < spread["plain"]
    assert abs(np.mean(errors["peaks"])) < 0.12 * true


@pytest.mark.parametrize("shape", SHAPES)
def test_quantile_and_share_beyond_are_inverse(shape):
    of = Tail(2.0, 0.05, shape, 0.7, 0.0)
    for share in (0.05, 0.01, 1e-4):
        assert of.beyond(np.array([of.quantile(share)]))[0] == pytest.approx(share)
    assert of.quantile(0.05) == pytest.approx(2.0)


def test_the_unit_of_the_scores_does_not_matter():
    scores = pareto(2000, 0.1)
    assert tail(1e-4 * scores, 0.005).quantile(0.005) == pytest.approx(
        1e-4 * tail(scores, 0.005).quantile(0.005), rel=1e-3
    )


def few(n):
    return exponential(n)


def two_heaps(n):
    return np.concatenate([exponential(n), np.full(n // 20, 50.0)])


def cauchy(n):
    return np.abs(np.random.default_rng(0).standard_cauchy(n))


@pytest.mark.parametrize("scores", [few(FEWEST), two_heaps(2000), cauchy(5000), np.ones(2000)])
def test_where_no_tail_fits_the_plain_quantile_stands_in_and_it_is_said(scores):
    chosen = peaks(held(scores))
    assert chosen.value == pytest.approx(np.quantile(scores, 0.99))
    assert "no generalised Pareto tail fits" in chosen.words
    assert chosen.doubt


def test_a_quantile_within_the_tail_is_about_the_plain_one():
    scores = exponential(5000)
    assert peaks(held(scores, quantile=0.95)).value == pytest.approx(np.quantile(scores, 0.95), rel=0.05)


def test_a_heavy_tail_is_said_to_be_one():
    assert "heavy" in peaks(held(pareto(20_000, 0.4))).doubt
    assert not peaks(held(exponential(5000))).doubt
