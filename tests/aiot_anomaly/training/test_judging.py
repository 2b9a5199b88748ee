"""The threshold: a quantile of held-back normal scores, or the one that the alarm budget allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly.training import judging
from aiot_anomaly.training.evaluation import Scored, by_event
from tests.aiot_anomaly.training import hourly
from tests.aiot_anomaly.training.hourly import HOUR

SHARE = 0.5
INCIDENTS = {"k": 2, "n": 3, "quiet": 4}


def judge(device, until, ends):
    """Peaks of three hours, each higher than the one before, every second day; between them next to nothing."""
    hour = (ends - hourly.START) // HOUR
    return np.where(hour % 48 < 3, 1.0 + hour // 48, 0.1)


def data(budget):
    rule = {"quantile": 0.9} if budget is None else {"quantile": 0.9, "false_incidents_per_month": budget}
    of = hourly.profile(threshold=rule, incidents=INCIDENTS)
    return of, hourly.dataset(of, hourly.device(of, hourly.usual(hourly.grid())))


@pytest.mark.parametrize("budget", [0.1, 3.0, 7.0, 1000.0])
def test_going_down_the_threshold_stops_at_the_alarm_budget(budget):
    of, dataset = data(budget)
    value, scores = judging.threshold(dataset, judge, SHARE)
    ends = dataset.devices[0].held_back(SHARE).ends
    held_back = Scored("a", ends, judge(None, 0, ends), np.zeros(len(ends), dtype=bool))

    def opened(at):
        judged = replace(held_back, scores=held_back.scores / at)
        return by_event(of, [judged])["false_incidents_per_month"]

    assert opened(value) <= budget
    lower = np.unique(scores[scores < value])
    assert budget == 1000.0 if not len(lower) else opened(lower[-1]) > budget


def test_without_a_budget_it_is_the_quantile():
    of, dataset = data(None)
    value, scores = judging.threshold(dataset, judge, SHARE)
    assert value == pytest.approx(np.quantile(scores, of.threshold.quantile))


def test_the_validation_part_is_scored_by_what_was_fitted_on_the_training_part_and_is_not_tested():
    of = hourly.profile(threshold={"quantile": 0.9, "validation": 0.5}, incidents=INCIDENTS)
    dataset = hourly.dataset(of, hourly.device(of, hourly.usual(hourly.grid())))
    asked = []

    def told(device, until, ends):
        asked.append(until)
        return judge(device, until, ends)

    (validated,), (tested,) = judging.score_validation(dataset, told, 2.0), judging.score_test(dataset, told, 2.0)
    assert set(asked) == {dataset.devices[0].train_until}
    assert validated.ends.max() < tested.ends.min()
    np.testing.assert_array_equal(validated.scores, judge(None, 0, validated.ends) / 2.0)


def test_without_a_declared_part_nothing_is_validated():
    _, dataset = data(None)
    assert judging.score_validation(dataset, judge, 1.0) == []
