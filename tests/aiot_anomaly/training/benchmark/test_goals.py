"""A goal is met, missed by so much, or not measured."""

from __future__ import annotations

import pytest

from aiot_anomaly.training.benchmark import catalogue
from aiot_anomaly.training.benchmark.goals import Ahead, Goal, sized
from aiot_anomaly.training.benchmark.tables import TABLES


@pytest.mark.parametrize(
    ("goal", "measured", "met", "missed"),
    [
        (Goal("f1", ">=", 0.81), {"f1": 0.81}, True, ""),
        (Goal("f1", ">", 0.78), {"f1": 0.78}, False, "by 0.000"),
        (Goal("f1", ">=", 0.84), {"f1": 0.82}, False, "by 0.020"),
        (Goal("far", "<=", 0.1), {"far": 0.103}, False, "by 0.003"),
        (Goal("median_delay_s@0.05", "<=", 12 * 3600), {"median_delay_s@0.05": 14 * 3600.0}, False, "by 2 h"),
        (Goal("found@0.01", ">=", 0.2, above="chance"), {"found@0.01": 0.35, "chance": 0.1}, True, ""),
        (Goal("found@0.01", ">=", 0.2, above="chance"), {"found@0.01": 0.25, "chance": 0.1}, False, "by 5.0 %"),
        (Goal("found@0.01", ">=", 0.2, above="chance"), {"found@0.01": 0.25}, None, ""),
        (Goal("f1", ">=", 0.81), {}, None, ""),
    ],
)
def test_a_bound(goal, measured, met, missed):
    verdict = goal.judge(measured, {})
    assert (verdict.met, verdict.missed) == (met, missed)


def test_a_goal_says_what_is_asked():
    def text(goal):
        return goal.judge({}, {}).goal

    assert text(Goal("f1", ">=", 0.84, note="stretch")) == "F1 ≥ 0.840 (stretch)"
    assert text(Goal("median_delay_s@0.1", "<=", 4 * 3600)) == "median delay at 10 % ≤ 4 h"
    assert text(Goal("found@0.01", ">=", 0.2, above="chance")) == "found at 1 % ≥ chance + 20.0 %"
    assert text(Ahead("random", ("f1", "far"))) == "ahead of random in F1, FAR"
    assert text(Ahead("random", ("f1", "far"), "each column")) == "ahead of random in each column"


@pytest.mark.parametrize(
    ("ours", "theirs", "measured", "missed"),
    [
        ({"f1": 0.9, "far": 0.1}, {"f1": 0.8, "far": 0.2}, "in 2 of 2", ""),
        ({"f1": 0.9, "far": 0.3}, {"f1": 0.8, "far": 0.2}, "in 1 of 2", "FAR by 0.100"),
        ({"f1": 0.8, "far": 0.1}, {"f1": 0.8, "far": 0.2}, "in 1 of 2", "F1 by 0.000"),
        # nothing is better than all, or none
        ({"f1": 1.0, "far": 0.0}, {"f1": 1.0, "far": 0.0}, "in 2 of 2", ""),
        ({"f1": 0.9}, {"f1": 0.8, "far": 0.2}, "in 1 of 1", ""),
    ],
)
def test_being_ahead(ours, theirs, measured, missed):
    verdict = Ahead("other", ("f1", "far")).judge(ours, {"other": theirs})
    assert (verdict.measured, verdict.missed, verdict.met) == (measured, missed, not missed)


def test_nobody_to_be_ahead_of_is_not_measured():
    assert Ahead("other", ("f1",)).judge({"f1": 0.5}, {}).met is None


def test_every_name_of_the_tables_is_in_the_catalogue():
    for table in TABLES.values():
        named = {*table.ranking, *table.operator, *table.brief}
        for goal in table.goals:
            named |= (
                set(goal.measures) if isinstance(goal, Ahead) else {goal.measure, *([goal.above] if goal.above else [])}
            )
        for name in named:
            assert catalogue.title(name)
            assert catalogue.title(name, portuguese=True)
            assert catalogue.written(name, 0.5) != catalogue.MISSING
        for measure in ("found", "events"):
            for name in sized(measure, *table.sizes):
                assert catalogue.title(name)


def test_a_value_that_is_not_there_is_a_dash():
    assert catalogue.written("f1", None) == catalogue.written("f1", float("nan")) == "–"
