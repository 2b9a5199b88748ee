"""The rules: what each promises is held where its assumption is, and the profile chooses."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from aiot_anomaly.profile import Threshold
from aiot_anomaly.training.thresholds import rules
from aiot_anomaly.training.thresholds.conformal import conformal
from aiot_anomaly.training.thresholds.quantile import quantile
from tests.aiot_anomaly.training.thresholds.made import exponential, held


def test_the_conformal_quantile_is_exceeded_by_the_next_score_no_more_often_than_promised():
    above = {"conformal": [], "plain": []}
    for seed in range(4000):
        scores = exponential(61, seed)
        of = held(scores[:-1], quantile=0.95)
        above["conformal"].append(scores[-1] > conformal(of).value)
        above["plain"].append(scores[-1] > quantile(of).value)
    # 3 standard errors of 4000 draws
    assert np.mean(above["conformal"]) <= 0.05 + 0.0104
    assert np.mean(above["plain"]) > np.mean(above["conformal"])


@pytest.mark.parametrize(("n", "rank"), [(19, 19), (20, 20), (39, 38), (100, 96)])
def test_the_conformal_rank_is_of_one_window_more(n, rank):
    assert conformal(held(np.arange(1, n + 1), quantile=0.95)).value == rank


def test_too_few_windows_for_a_conformal_quantile_take_the_highest_and_say_how_many_it_needs():
    chosen = conformal(held(np.arange(10), quantile=0.99))
    assert chosen.value == 9
    assert chosen.doubt == "a conformal quantile of 99.00% takes 99 windows, found 10"


@pytest.mark.parametrize("method", ["quantile", "peaks", "conformal"])
def test_every_method_without_a_budget_gives_about_that_quantile_times_the_margin(method):
    scores = exponential(20_000)
    chosen = rules.choose(held(scores, method=method, margin=1.5))
    assert chosen.value == pytest.approx(1.5 * -np.log(0.01), rel=0.08)
    assert chosen.words.endswith(", times 1.5, one for all devices")


def test_the_profile_chooses_the_rule_and_profiles_of_before_choose_as_they_did():
    assert Threshold(quantile=0.99).rule == "quantile"
    assert Threshold(quantile=0.99, false_incidents_per_month=2.0).rule == "budget"
    assert Threshold(quantile=0.99, false_incidents_per_month=2.0, method="peaks").rule == "peaks"
    with pytest.raises(ValidationError, match="expected false_incidents_per_month, which is the budget"):
        Threshold(quantile=0.99, method="budget")


def test_scores_of_nothing_are_no_alarm_under_any_rule():
    of = held(np.zeros(500), false_incidents_per_month=1.0)
    assert all(of.share_above(chosen.value) == 0.0 for chosen in rules.every(of).values())


def test_the_rules_stand_beside_each_other_with_what_they_cost():
    of = held(exponential(4000), exponential(4000, 1), false_incidents_per_month=300.0, method="conformal")
    table = rules.beside(of)
    assert list(table.index) == list(rules.RULES)
    assert table.index[table["chosen"]].tolist() == ["conformal"]
    for name, row in table.iterrows():
        assert row["threshold"] == rules.by_rule(of, str(name)).value
        assert row["above, found"] == of.share_above(row["threshold"])
    assert table.loc["quantile", "above, promised"] == pytest.approx(0.01)
    assert table.loc["quantile", "above, other half"] == pytest.approx(0.01, abs=0.006)
    assert table.loc["budget", "incidents a device and month"] <= 300.0


def test_what_a_rule_costs_in_the_other_half_is_told_by_rows_that_it_was_not_set_on():
    calm, wild = exponential(1000), 3 * exponential(1000, 1)
    row = rules.beside(held(np.concatenate([calm, wild]))).loc["quantile"]
    assert row["above, found"] == pytest.approx(0.01, abs=0.001)
    assert row["above, other half"] > 0.05


def test_a_smaller_budget_never_has_a_lower_threshold():
    table = rules.budgets(held(exponential(5000), false_incidents_per_month=3.0))
    assert table.index.tolist() == sorted({*rules.BUDGETS, 3.0})
    assert table["threshold"].is_monotonic_decreasing
    assert (table["incidents a device and month"] <= table.index).all()


def test_more_persistence_raises_no_more_incidents_and_later_ones():
    of = held(exponential(20_000))
    table = rules.persistence(of, 1.0)
    assert (table.loc["1 of 1", "soonest"], table.loc["3 of 4", "soonest"]) == ("2 min", "6 min")
    columns = [c for c in table.columns if c.startswith("at ")]
    assert (table.loc["3 of 4", columns] <= table.loc["3 of 5", columns]).all()
    assert table.index[table["profile's"]].tolist() == ["2 of 3"]
    assert table.loc["2 of 3", "at 1 × the threshold"] == of.incidents_per_month(1.0)
