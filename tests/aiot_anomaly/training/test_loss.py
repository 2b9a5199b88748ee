"""What an event cost until it was found, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.training import loss
from aiot_anomaly.training.evaluation import Scored
from tests.aiot_anomaly.training import hourly
from tests.aiot_anomaly.training.hourly import HOUR, START, TEST_D, TRAIN_D

UP, DOWN = hourly.profile("up"), hourly.profile("down")
TEST = START + TRAIN_D * 24 * HOUR
DAY_S = 86_400


def device(of, level=50.0, during=None, days=(2, 6)):
    values = np.full((24 * (TRAIN_D + TEST_D), 2), level)
    if during is not None:
        values[24 * (TRAIN_D + days[0]) : 24 * (TRAIN_D + days[1]), 0] = during
    return hourly.device(of, values)


def event(kind="leak", size=0.1, start_d=2.0, end_d=6.0, **more):
    return Truth("a", kind, TEST + round(start_d * DAY_S), TEST + round(end_d * DAY_S), size, **more)


def scored(of, *alarm_h: int) -> Scored:
    """Two alarms, which open an incident with the second, at each of the hours of the test part."""
    d = device(of)
    ends = d.test()[0].ends
    scores = np.full(len(ends), 0.5)
    for h in alarm_h:
        scores[h - 1 : h + 1] = 2.0
    return Scored("a", ends, scores, np.zeros(len(ends), dtype=bool))


def found(of, given, *events, of_device=None):
    return loss.detections(of, of_device or device(of), given, events)


def test_a_leak_loses_its_share_of_the_mean_inflow_until_it_is_found():
    (one,) = found(UP, scored(UP, 2 * 24 + 12), event())
    assert one.delay_s == 12 * HOUR
    assert one.lost == pytest.approx(0.1 * 50.0 * 12 * HOUR / 1000)
    assert one.whole == pytest.approx(0.1 * 50.0 * 4 * DAY_S / 1000)


def test_a_leak_that_is_not_found_loses_all():
    (one,) = found(UP, scored(UP), event())
    assert one.delay_s is None
    assert one.lost == one.whole == pytest.approx(0.1 * 50.0 * 4 * DAY_S / 1000)


def test_an_incident_that_opened_before_finds_nothing():
    (one,) = found(UP, scored(UP, 2 * 24 - 1), event())
    assert one.delay_s is None


def test_the_inflow_of_the_test_part_does_not_count():
    (one,) = found(UP, scored(UP), event(), of_device=device(UP, during=500.0))
    assert one.whole == pytest.approx(0.1 * 50.0 * 4 * DAY_S / 1000)


def test_a_fraud_loses_what_the_meter_did_not_count():
    # 20 kWh an hour were counted, which are two fifths: 30 were not
    (one,) = found(DOWN, scored(DOWN, 2 * 24 + 10), event("h1", 0.6), of_device=device(DOWN, during=20.0))
    assert one.lost == pytest.approx(10 * 30.0)
    assert one.whole == pytest.approx(4 * 24 * 30.0)


@pytest.mark.parametrize("during", [0.0, np.nan])
def test_a_meter_that_counts_nothing_loses_what_it_used_to_count(during):
    (one,) = found(DOWN, scored(DOWN), event("dead", 1.0), of_device=device(DOWN, during=during))
    assert one.whole == pytest.approx(4 * 24 * 50.0)


def test_what_must_raise_no_alarm_and_what_is_of_others_is_no_event():
    other = Truth("b", "leak", TEST, TEST + DAY_S, 0.1)
    before = Truth("a", "leak", START, START + DAY_S, 0.1)
    assert found(UP, scored(UP), event(anomalous=False), other, before) == []


def test_an_event_is_cut_at_the_end_of_the_recording():
    (one,) = found(UP, scored(UP), event(start_d=12, end_d=30))
    assert one.whole == pytest.approx(0.1 * 50.0 * 2 * DAY_S / 1000)


def test_a_failing_sensor_loses_no_water():
    (one,) = found(UP, scored(UP, 2 * 24 + 5), event("drift", -0.5, sensor="pressure"))
    assert one.delay_s == 5 * HOUR
    assert math.isnan(one.whole)


def test_a_summary_counts_what_was_missed_in_full():
    both = found(UP, scored(UP, 2 * 24 + 12), event(end_d=3), event(size=0.2, start_d=4, end_d=5))
    measures = loss.summary(UP, both)
    small, large = 0.1 * 50 * DAY_S / 1000, 0.2 * 50 * DAY_S / 1000
    assert measures["mean_loss_m3"] == pytest.approx((small / 2 + large) / 2)
    assert measures["loss_share"] == pytest.approx((small / 2 + large) / (small + large))
    assert (measures["events"], measures["found"], measures["median_delay_s"]) == (2, 0.5, 12 * HOUR)


def test_sizes_have_summaries_of_their_own():
    both = found(UP, scored(UP, 2 * 24 + 12), event(end_d=3), event("incipient leak", 0.05, 4, 5))
    assert list(loss.by_size(UP, both)) == ["5%", "10%"]
    assert {size: of["found"] for size, of in loss.by_size(UP, both).items()} == {"5%": 0.0, "10%": 1.0}


def test_many_sizes_are_told_apart_by_neighbours():
    events = [event(size=0.01 * (i + 1), start_d=2 + i / 4, end_d=2.2 + i / 4) for i in range(2 * loss.MOST_SIZES)]
    told = loss.by_size(UP, found(UP, scored(UP), *events))
    assert len(told) == loss.MOST_SIZES
    assert next(iter(told)) == "1% to 2%"
    assert sum(of["events"] for of in told.values()) == len(events)
    assert loss.by_size(UP, []) == {}


def test_no_event_leaves_everything_but_their_number_undefined():
    measures = loss.summary(UP, [])
    assert measures.pop("events") == 0
    assert all(math.isnan(v) for v in measures.values())
