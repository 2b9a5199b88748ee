"""What the rules stand on, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.errors import TrainingError
from tests.aiot_anomaly.training.thresholds.made import held

WINDOWS_A_MONTH = 30 * 86_400 / 120


def test_scores_are_pooled_over_devices_without_those_that_are_none():
    assert held([1.0, np.nan], [2.0, 3.0]).scores.tolist() == [1.0, 2.0, 3.0]


def test_without_any_score_it_says_what_to_do():
    with pytest.raises(TrainingError, match="none of 2 held-back windows has a score, expected some"):
        held([np.nan], [np.nan]).scores  # noqa: B018 - reading it is what fails


def test_time_shares_and_incidents_are_those_of_the_windows():
    of = held([0, 2, 2, 0, 0, 0, 0, 0, 0, 0], [0.0] * 10)
    assert of.device_months == pytest.approx(20 / WINDOWS_A_MONTH)
    assert of.share_above(1.0) == pytest.approx(0.1)
    assert of.incidents_per_month(1.0) == pytest.approx(WINDOWS_A_MONTH / 20)
    assert of.incidents_per_month(2.0) == 0.0


def test_windows_that_overlap_count_for_less_than_they_are():
    of = held([1.0] * 100)
    assert of.independent == pytest.approx(100 * of.profile.window.stride / of.profile.span)


def test_halves_are_the_earlier_and_the_later_windows_of_each_device():
    early, late = held([1, 2, 3], [4, 5]).halves()
    assert early.scores.tolist() == [1, 4]
    assert late.scores.tolist() == [2, 3, 5]
    assert [len(h.parts) for h in held([1.0]).halves()] == [0, 1]


def test_the_budget_of_a_day_is_the_most_alarms_that_a_normal_day_had():
    calm, loud = [0.0] * 6, [0, 2, 2, 0, 0, 0, 0, 0]
    assert held(loud * 3 + calm, loud + calm).most_alarms_a_day(1.0) == 3
    # on two days, and never less than one
    a_day = 86_400 // 120
    assert held(loud + [0.0] * (a_day - len(loud)) + loud).most_alarms_a_day(1.0) == 1
    assert held(calm).most_alarms_a_day(1.0) == 1
