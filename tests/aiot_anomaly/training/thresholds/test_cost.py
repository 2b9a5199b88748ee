"""Cost curves, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.thresholds import cost
from aiot_anomaly.training.thresholds.cost import FALSE, MISSED
from tests.aiot_anomaly.training.thresholds.made import exponential, held


def labelled(scores, labels):
    return Scored("a", 120 * np.arange(len(scores)), np.array(scores, dtype=float), np.array(labels, dtype=bool))


#: two events, one of which is half as loud as the other, and a false alarm in between
EVENTS = labelled([0] * 5 + [2] * 5 + [0] * 5 + [1.2] * 3 + [0] * 6 + [0.8] * 5 + [0] * 5,
                  [0] * 5 + [1] * 5 + [0] * 5 + [0] * 3 + [0] * 6 + [1] * 5 + [0] * 5)  # fmt: skip


def test_a_lower_threshold_misses_less_and_costs_more():
    of = held()
    found = cost.by_events(of.profile, [EVENTS], 10.0, (0.5, 1.0, 1.5, 3.0))
    assert found.index.tolist() == [5.0, 10.0, 15.0, 30.0]
    assert found[MISSED].tolist() == [0.0, 0.5, 0.5, 1.0]
    month = 30 * 86_400 / 120
    assert found[FALSE].tolist() == pytest.approx([month / 24, month / 24, 0.0, 0.0])


def test_the_cheapest_threshold_depends_on_what_a_missed_event_is_worth():
    curve = cost.by_events(held().profile, [EVENTS], 10.0, (0.5, 1.0, 1.5, 3.0))
    found = cost.cheapest(curve, 2.0, (0.0, 1.0, 1e6))
    assert found["threshold"].tolist() == [30.0, 15.0, 5.0]
    assert found.loc[1e6, MISSED] == 0.0


def test_false_alarms_are_those_of_the_held_back_windows():
    of = held(exponential(2000))
    found = cost.false_alarms(of, 2.0, (0.5, 1.0))
    assert found.index.tolist() == [1.0, 2.0]
    assert found["above"].tolist() == [of.share_above(1.0), of.share_above(2.0)]
    assert found[FALSE].tolist() == [of.incidents_per_month(1.0), of.incidents_per_month(2.0)]


def test_deviations_below_the_threshold_are_missed():
    found = cost.missed_deviations({1.0: np.array([0.5, 1.5]), 4.0: np.array([3.0, 5.0])}, [1.0, 2.0, 4.0])
    assert found[1.0].tolist() == [0.5, 1.0, 1.0]
    assert found[4.0].tolist() == [0.0, 0.0, 0.5]


def test_without_events_nothing_is_missed_or_found():
    found = cost.by_events(held().profile, [labelled([0, 1, 2], [0, 0, 0])], 1.0, (1.0,))
    assert found[MISSED].isna().all()
