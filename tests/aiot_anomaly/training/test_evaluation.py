"""Metrics: counted by hand on small cases, and against scikit-learn on random ones."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.profile import Incidents
from aiot_anomaly.training.evaluation import (
    MONTH_S,
    Scored,
    by_event,
    by_row,
    incidents,
    metrics,
    on_rows,
    outcome,
    pooled,
    runs,
)
from tests.support.tiny_bundle import tiny_profile

PROFILE = tiny_profile()  # opens after 2 of 3, closes after 4 quiet; a decision every 120 s


def scored(scores, labels, device="a") -> Scored:
    ends = 120 * np.arange(len(scores))
    return Scored(device, ends, np.array(scores, dtype=float), np.array(labels, dtype=bool))


def bits(text: str) -> list[int]:
    return [int(c) for c in text]


def alarms(text: str) -> list[float]:
    return [{"1": 2.0, "0": 0.5, "-": math.nan}[c] for c in text]


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_the_stretches_of_true(flags):
    found = runs(np.arange(len(flags)), np.array(flags, dtype=bool))
    covered = [i for first, last in found for i in range(first, last + 1)]
    assert covered == [i for i, f in enumerate(flags) if f]
    assert all(b[0] > a[1] + 1 for a, b in pairwise(found))


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), min_size=2, max_size=60))
def test_row_metrics_are_those_of_scikit_learn(rows):
    scores, labels = (np.array(c) for c in zip(*rows, strict=True))
    found = by_row([scored(scores[:1], labels[:1]), scored(scores[1:], labels[1:], "b")])
    if labels.all() or not labels.any():
        assert found == {}
        return
    alarm = scores > 1
    (tn, fp), (fn, tp) = confusion_matrix(labels, alarm, labels=[False, True])
    assert found["f1"] == pytest.approx(f1_score(labels, alarm, zero_division=0.0))
    assert found["far"] == pytest.approx(fp / (fp + tn))
    assert found["mar"] == pytest.approx(fn / (fn + tp))


def test_the_threshold_itself_is_no_alarm_and_a_row_without_score_counts_as_normal():
    found = scored([1.0, 1.0001, math.nan], [0, 1, 1])
    assert found.alarms().tolist() == [False, True, False]
    assert by_row([found])["mar"] == 0.5


def test_a_perfect_ranking_has_area_1_and_a_reversed_one_0():
    assert by_row([scored([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])])["auc_roc"] == 1.0
    assert by_row([scored([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1])])["auc_roc"] == 0.0


def test_an_incident_is_told_when_it_opens_and_ends_when_it_closes_or_with_the_data():
    assert incidents(PROFILE, scored(alarms("0110000000"), bits("0" * 10))) == [(240, 720)]
    assert incidents(PROFILE, scored(alarms("00011"), bits("0" * 5))) == [(480, 480)]
    assert incidents(PROFILE, scored(alarms("0100100"), bits("0" * 7))) == []


def test_rows_without_a_score_are_no_decisions():
    assert incidents(PROFILE, scored(alarms("1---1"), bits("0" * 5))) == [(480, 480)]


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.5, 3.0, math.nan]), max_size=60),
    st.integers(1, 6),
    st.integers(0, 4),
    st.integers(1, 6),
)
def test_incidents_are_those_that_the_service_tells_decision_by_decision(scores, k, more, quiet):
    rules = Incidents(k=k, n=k + more, quiet=quiet)
    of = scored(scores, [0] * len(scores))
    tracker, told = IncidentTracker(), []
    for end, score, alarm in zip(of.ends.tolist(), of.scores.tolist(), of.alarms().tolist(), strict=True):
        if math.isnan(score):
            continue
        tracker, incident = tracker.advance(rules, "tiny", of.device_id, end, alarm, score)
        if incident is not None:
            told = [*told, (end, end)] if incident.state == "opened" else [*told[:-1], (told[-1][0], end)]
    assert incidents(PROFILE.model_copy(update={"incidents": rules}), of) == told


def test_an_event_is_found_by_an_incident_that_opens_in_it_and_the_delay_counts_from_its_start():
    found = by_event(PROFILE, [scored(alarms("0000110000000"), bits("0001111000000"))])
    assert (found["events"], found["found"]) == (1, 1.0)
    assert found["median_delay_s"] == found["p90_delay_s"] == 2 * 120
    assert found["false_incidents_per_month"] == 0


def test_an_event_that_no_incident_opens_in_is_missed():
    found = by_event(PROFILE, [scored(alarms("0000000000000"), bits("0001111000000"))])
    assert found["found"] == 0
    assert math.isnan(found["median_delay_s"])


def test_an_incident_that_opened_outside_of_events_is_false_and_counted_by_the_month_of_normal_rows():
    labels = bits("0000000000001110")
    found = by_event(PROFILE, [scored(alarms("0110000000000000"), labels)])
    assert found["found"] == 0
    normal_s = 120 * labels.count(0)
    assert found["false_incidents_per_month"] == pytest.approx(MONTH_S / normal_s)


def test_events_of_all_devices_are_pooled():
    one = scored(alarms("0000110000000"), bits("0001111000000"))
    other = scored(alarms("0000000000000"), bits("0001111000000"), "b")
    found = by_event(PROFILE, [one, other])
    assert (found["events"], found["found"]) == (2, 0.5)


def test_chance_is_the_share_of_stretches_without_an_event_in_which_an_incident_opened():
    # incidents open at rows 2 and 14; rows 6 and 7 are an event; a stretch is 4 rows long
    found = scored(alarms("01100000000001100000"), bits("00000011000000000000"))
    assert [start // 120 for start, _ in incidents(PROFILE, found)] == [2, 14]
    one = outcome(PROFILE, found, chance_s=4 * 120)
    # stretches begin at rows 0 to 2 and 8 to 15; rows 0 to 2 have row 2 in them, 11 to 14 have row 14
    assert (one.clean, one.alarmed) == (3 + 8, 3 + 4)
    quiet = outcome(PROFILE, scored(alarms("0" * 8), bits("0" * 8), "b"), chance_s=4 * 120)
    assert (quiet.clean, quiet.alarmed) == (4, 0)
    assert pooled([one, quiet])["chance"] == pytest.approx(7 / 15)


def test_no_clean_stretch_leaves_chance_undefined():
    assert math.isnan(by_event(PROFILE, [scored(alarms("0" * 30), bits("0" * 30))])["chance"])


def test_an_event_with_two_incidents_is_found_once_and_neither_is_false():
    found = outcome(PROFILE, scored(alarms("0110000000110"), bits("0111111111111")))
    assert (found.events, found.delays_s, found.false) == (1, (120,), 0)


def test_each_original_row_has_the_score_of_the_window_that_decides_it():
    times = 60 * np.array([0, 1, 2, 3, 4, 4, 7, 9])  # 5, 6 and 8 are missing, 4 came twice, 9 has no window yet
    labels = np.array([0, 0, 0, 1, 0, 1, 1, 0], dtype=bool)
    recording = Recording("a", times, np.zeros((8, 2)), labels, train_rows=2)
    windows = Scored("a", 60 * np.array([2, 4, 8]), np.array([0.2, 0.4, 0.8]), np.array([0, 1, 1], dtype=bool))
    found = on_rows(PROFILE, recording, windows)
    np.testing.assert_array_equal(found.scores, [0.2, 0.4, 0.4, 0.4, 0.8, np.nan])
    np.testing.assert_array_equal(found.ends, times[2:])
    np.testing.assert_array_equal(found.labels, labels[2:])


def test_rows_that_nobody_labelled_are_not_tested():
    with pytest.raises(DatasetError, match="without labels"):
        on_rows(PROFILE, Recording("a", np.arange(3), np.zeros((3, 2)), train_rows=1), scored([0], [0]))


def test_metrics_leave_out_what_is_not_defined():
    nothing = metrics(PROFILE, [scored(alarms("00000"), bits("00000"))])
    assert set(nothing) == {"events", "found", "false_incidents_per_month"}
    everything = metrics(PROFILE, [scored(alarms("0011100"), bits("0011100"))])
    assert {"auc_roc", "auc_pr", "f1", "far", "mar", "median_delay_s", "p90_delay_s"} <= set(everything)
    assert all(math.isfinite(v) for v in everything.values())
