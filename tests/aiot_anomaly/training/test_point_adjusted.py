"""Point-adjusted F1 is what papers compute, and random flags have a high one."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.training import point_adjusted
from aiot_anomaly.training.evaluation import Scored, by_row


def scored(scores, labels) -> Scored:
    return Scored("a", np.arange(len(scores)), np.array(scores, dtype=float), np.array(labels, dtype=bool))


def bits(text: str):
    return np.array([c == "1" for c in text])


def test_one_alarm_in_an_event_finds_all_of_it():
    alarms, labels = bits("1001000001"), bits("0011100110")
    assert point_adjusted.adjusted(alarms, labels).tolist() == bits("1011100001").tolist()


def test_the_value_counted_by_hand():
    found = scored([2, 0, 0, 2, 0, 0, 0, 0, 0, 2], bits("0011100110"))
    # found 3 of 5 rows, with 2 false ones
    assert point_adjusted.f1([found]) == pytest.approx(2 * 3 / (5 + 5))
    # to call every row an alarm is better: all 5 rows, with 5 false ones
    assert point_adjusted.best_f1([found]) == pytest.approx(2 * 5 / (10 + 5))


def test_the_best_threshold_is_found():
    found = [scored([0.1, 0.9, 0.2, 0.3, np.nan], bits("00110")), scored([0.4, 0.1], bits("10"))]
    candidates = []
    for t in (0.05, 0.15, 0.25, 0.35, 0.5):
        candidates.append(point_adjusted.f1([Scored("a", s.ends, s.scores / t, s.labels) for s in found]))
    assert point_adjusted.best_f1(found) == pytest.approx(max(candidates))


def test_events_of_different_devices_do_not_touch():
    ends_in_one, begins_in_one = scored([2, 2], bits("01")), scored([0, 0], bits("10"))
    assert point_adjusted.f1([ends_in_one, begins_in_one]) == pytest.approx(2 * 1 / (2 + 2))


def test_random_scores_look_good_in_long_events_which_is_why_nothing_is_judged_by_it():
    rng = np.random.default_rng(0)
    labels = np.zeros(4000, dtype=bool)
    labels[1000:1500] = labels[2500:3000] = True
    found = [scored(rng.exponential(size=4000), labels)]
    assert point_adjusted.best_f1(found) > 0.95
    assert by_row(found)["auc_roc"] == pytest.approx(0.5, abs=0.05)
