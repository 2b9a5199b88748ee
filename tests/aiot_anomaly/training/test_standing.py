"""The candidate beside its rivals: paired differences, and a verdict that follows from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly.training import standing
from aiot_anomaly.training.comparison import CANDIDATE, Decision, Requirement
from aiot_anomaly.training.evaluation import Scored, metrics
from aiot_anomaly.training.standing import KEEP_LOOKING, PROMOTE
from tests.support.tiny_bundle import tiny_profile

OF = tiny_profile()
FREE = Decision(champion="", reason="no champion to compare with: none was promoted yet", requirements=[])


def devices(gain, n=8, rows=200):
    """The same noise for every gain, so that only the gain differs."""
    found = []
    for i in range(n):
        labels = np.arange(rows) % 100 >= 80
        scores = np.random.default_rng(i).gamma(2.0, size=rows) + gain * labels
        found.append(Scored(str(i), 120 * np.arange(rows), scores, labels))
    return found


def case(**gains):
    scored = {CANDIDATE: devices(2.0), **{name.replace("_", " "): devices(gain) for name, gain in gains.items()}}
    return scored, {name: metrics(OF, s) for name, s in scored.items()}


def test_clear_differences_are_more_than_luck_and_none_is_within_it():
    found = standing.standings(*case(weak=0.5, same=2.0, strong=4.0, random=0.0))
    assert [s.rival for s in found] == ["strong", "same", "weak"]
    strong, same, weak = found
    assert strong.high < 0 < weak.low
    assert same.low <= 0 <= same.high
    assert (strong.ahead, weak.ahead) == (0.0, 1.0)
    assert all(s.low <= s.gain <= s.high for s in found)


def test_one_device_tells_no_interval():
    scored, _ = case(weak=0.5)
    one = {name: s[:1] for name, s in scored.items()}
    (found,) = standing.standings(one, {name: metrics(OF, s) for name, s in one.items()})
    assert found.gain > 0
    assert np.isnan([found.low, found.high, found.ahead]).all()


def test_what_is_ahead_of_all_is_promoted_and_it_is_said_by_how_much_luck():
    scored, results = case(weak=0.5, random=9.0)
    found = standing.recommend(results, standing.standings(scored, results), FREE)
    assert (found.verdict, found.measure) == (PROMOTE, "auc_pr")
    assert found.reasons[:2] == ("It is ahead of 1 of 1 rivals", "By more than luck it is ahead of weak")


@pytest.mark.parametrize("rival", ["strong", "champion in service"])
def test_one_rival_ahead_is_enough_to_keep_looking(rival):
    scored, results = case(weak=0.5, **{rival.replace(" ", "_"): 4.0})
    found = standing.recommend(results, standing.standings(scored, results), FREE)
    assert found.verdict == KEEP_LOOKING
    assert f"By more than luck it is behind {rival}" in found.reasons


def test_what_is_no_better_than_the_champion_is_not_promoted():
    scored, results = case(weak=0.5)
    missed = [Requirement(name="AUC-PR", found="0.7", expected="at least 0.8", met=False)]
    decision = Decision(champion="1", reason="AUC-PR: 0.7, expected at least 0.8", requirements=missed)
    found = standing.recommend(results, standing.standings(scored, results), decision)
    assert found.verdict == KEEP_LOOKING
    assert found.reasons[-1] == "Against the model in service: AUC-PR: 0.7, expected at least 0.8"


def test_without_labels_fewer_false_incidents_decide():
    results = {CANDIDATE: {"false_incidents_per_month": 1.0}, "a": {"false_incidents_per_month": 0.5}}
    found = standing.recommend(results, [], FREE)
    assert (found.verdict, found.measure) == (KEEP_LOOKING, "false_incidents_per_month")
    assert "It is behind a" in found.reasons
    scored = {name: devices(0.0) for name in results}
    assert standing.standings(scored, results) == []


def test_intervals_hold_the_measures_and_one_device_has_none():
    scored, results = case(weak=0.5)
    found = standing.intervals(OF, scored)
    low, high = (float(x) for x in found.loc[CANDIDATE, "vus_pr"].split(" – "))
    assert low - 0.001 <= results[CANDIDATE]["vus_pr"] <= high + 0.001
    assert standing.intervals(OF, {CANDIDATE: scored[CANDIDATE][:1]}).empty


@pytest.mark.parametrize(("seconds", "column", "value"), [(90, "median_delay_s", 90), (600, "median_delay_min", 10),
                                                          (86_400, "median_delay_h", 24)])  # fmt: skip
def test_delays_are_in_a_unit_that_can_be_read(seconds, column, value):
    found = standing.table({"a": {"median_delay_s": seconds, "p90_delay_s": seconds}, "b": {"found": 0.0}})
    assert found.loc["a", column] == value
    assert pd.isna(found.loc["b", column])
    assert "auc_pr" not in found
