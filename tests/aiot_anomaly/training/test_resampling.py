"""Intervals are those of the drawn devices scored together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from aiot_anomaly.training import resampling
from aiot_anomaly.training.evaluation import Scored, by_row, metrics
from aiot_anomaly.training.resampling import Ranking, intervals, intervals_of
from tests.support.tiny_bundle import tiny_profile

PROFILE = tiny_profile()
ROWS = 150


def fleet(*strengths: float) -> list[Scored]:
    """A device each: noise, raised by its strength in the event; rounded, so that scores are tied."""
    found = []
    for i, strength in enumerate(strengths):
        scores = np.random.default_rng(i).uniform(0.2, 1.02, ROWS)
        labels = np.zeros(ROWS, dtype=bool)
        labels[90:120] = True
        scores[labels] += strength
        found.append(Scored(f"device-{i}", 120 * np.arange(ROWS), scores.round(1), labels))
    return found


def test_the_measures_of_a_draw_are_those_of_its_devices_together():
    devices = fleet(0.3, 0.0, 0.6)
    devices[1].scores[:20] = np.nan
    ranking = Ranking.of(devices)
    for drawn in itertools.product(range(3), repeat=3):
        expected = by_row([devices[i] for i in drawn])
        found = ranking.areas(np.array(drawn))
        assert found == pytest.approx(expected)


def test_a_draw_of_one_kind_of_rows_has_no_measures():
    normal = Scored("n", np.arange(5), np.ones(5), np.zeros(5, dtype=bool))
    ranking = Ranking.of([normal, *fleet(0.5)])
    assert ranking.areas(np.array([0, 0])) == {}
    assert ranking.areas(np.array([0, 1]))


def test_intervals_hold_the_measured_value_and_are_narrower_with_more_devices():
    few, many = fleet(0.1, 0.5, 0.3), fleet(*np.linspace(0.1, 0.5, 30))
    found = intervals(PROFILE, few)
    for name, value in metrics(PROFILE, few).items():
        if name in found:
            assert found[name][0] <= value <= found[name][1]
    assert {"auc_roc", "auc_pr", "f1", "far", "mar", "found", "false_incidents_per_month"} <= set(found)
    assert "events" not in found
    low, high = intervals(PROFILE, many)["auc_pr"]
    assert high - low < 0.7 * (found["auc_pr"][1] - found["auc_pr"][0])


def test_devices_that_are_all_alike_leave_no_doubt():
    one = fleet(0.5)[0]
    found = intervals(PROFILE, [one] * 4)
    assert all(high - low < 1e-12 for low, high in found.values())


def test_one_device_has_no_interval():
    assert intervals(PROFILE, fleet(0.5)) == {}


def test_the_interval_of_a_mean_is_the_one_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(size=100)
    (low, high) = intervals_of(values.tolist(), lambda of: {"mean": float(np.mean(of))})["mean"]
    half = 1.96 * values.std() / 10
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05)


def test_a_statistic_that_most_draws_do_not_have_is_left_out():
    rarely = intervals_of(range(40), lambda of: {"rare": 1.0 if of.count(0) >= 2 else float("nan"), "always": 1.0})
    assert set(rarely) == {"always"}


def test_draws_are_the_same_for_a_seed():
    first, same, other = (np.stack(list(resampling.draws(4, seed=s))) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert first.shape == (resampling.RESAMPLES, 4)
    assert (first != other).any()
