"""No baseline looks ahead or learns from what it is tested on, and each finds what it is there for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import candidates, judging
from aiot_anomaly.training.baselines import multivariate, naive, trivial, utility
from aiot_anomaly.training.evaluation import by_row
from aiot_anomaly.training.fit import examples
from tests.aiot_anomaly.training import hourly
from tests.aiot_anomaly.training.hourly import HOUR, START, TRAIN_D

SHARE = 0.25
DAY = 24
TRAIN = TRAIN_D * DAY  # rows

UP, DOWN = hourly.profile("up"), hourly.profile("down")
FLAT = hourly.profile("both", season="none")


def every(of):
    learned = examples(of, [hourly.device(of, hourly.usual(hourly.grid())).fitting(SHARE)])
    return candidates.beside(of, learned, components=4)


CASES = {
    f"{direction}: {name}": (of, b) for direction, of in (("up", UP), ("both", FLAT)) for name, b in every(of).items()
}
CASES["down: consumption ratio"] = (DOWN, every(DOWN)["consumption ratio"])


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    """What is asked of a forest here it owes with ten trees as with a hundred."""
    monkeypatch.setattr(multivariate, "TREES", 10)


def scores(of, baseline, values, until=TRAIN - 1, train_d=TRAIN_D):
    device = hourly.device(of, values, train_d=train_d)
    return baseline.judge(device, START + until * HOUR, device.windows.ends)


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def test_what_comes_later_changes_no_score(case):
    of, baseline = case
    values = hourly.usual(hourly.grid())
    now = TRAIN + 5 * DAY + 7
    other = values.copy()
    other[now + 1 :] = [90.0, 10.0]
    other[now + 30 :: 3] = np.nan
    before, after = scores(of, baseline, values), scores(of, baseline, other)
    np.testing.assert_array_equal(after[: now + 1], before[: now + 1])
    cut = scores(of, baseline, values[: now + 1])
    np.testing.assert_allclose(cut, before[: now + 1], rtol=1e-9, atol=1e-12)
    assert np.isfinite(before[TRAIN : now + 1]).all()


def test_scores_are_never_negative_and_the_same_for_any_choice_of_windows(case):
    of, baseline = case
    device = hourly.device(of, hourly.usual(hourly.grid()))
    ends, until = device.windows.ends, device.train_until
    every_window = baseline.judge(device, until, ends)
    assert np.nanmin(every_window) >= 0
    np.testing.assert_allclose(baseline.judge(device, until, ends[TRAIN::5]), every_window[TRAIN::5], rtol=1e-9)


def test_only_readings_known_to_be_normal_are_learned_from(case):
    """A judge told that half of the training part is normal must not care how the other half was."""
    of, baseline = case
    values, until = hourly.usual(hourly.grid()), TRAIN // 2 - 1
    other = values.copy()
    other[until + 1 : TRAIN] *= 1.5
    # a week and a window later nothing of the changed rows is in sight
    sight = slice(TRAIN + 8 * DAY, None)
    found, expected = (scores(of, baseline, v, until)[sight] for v in (other, values))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_labelled_rows_of_the_training_part_are_not_learned_from(case):
    of, baseline = case
    values, labels = hourly.usual(hourly.grid()), np.zeros(len(hourly.grid()), dtype=bool)
    labels[DAY : 3 * DAY] = True
    other = values.copy()
    other[labels] = [400.0, 1.0]
    sight = TRAIN - 7 * DAY
    devices = [hourly.device(of, v, labels) for v in (values, other)]
    expected, found = (baseline.judge(d, d.train_until, d.windows.ends)[-sight:] for d in devices)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_test_rows_change_nothing_of_the_threshold_and_held_back_rows_do(case):
    of, baseline = case
    values = hourly.usual(hourly.grid())
    tested, held_back = values.copy(), values.copy()
    tested[TRAIN:] *= 0.5
    rng = np.random.default_rng(1)
    held_back[TRAIN - 7 * DAY : TRAIN] += rng.normal(0, 5, (7 * DAY, 2))
    held_back[TRAIN - 7 * DAY : TRAIN, 0] *= {"up": 1.3, "down": 0.7, "both": 1.0}[of.sensors[0].direction]

    def threshold(of_values):
        return judging.threshold(hourly.dataset(of, hourly.device(of, of_values)), baseline.judge, SHARE)[0]

    assert threshold(tested) == threshold(values)
    if baseline.judge.__module__ != trivial.__name__:
        assert threshold(held_back) > 1.2 * threshold(values)


def test_an_own_threshold_takes_the_place_of_the_common_one():
    data = hourly.dataset(UP, hourly.device(UP, hourly.usual(hourly.grid())))
    judge = utility.minimum_night_flow(UP)
    own = judging.score_baseline(data, judging.Baseline(judge, 3.0), SHARE)[0].scores
    common = judging.score_baseline(data, judging.Baseline(judge), SHARE)[0].scores
    np.testing.assert_allclose(own * 3.0, common * judging.threshold(data, judge, SHARE)[0])


def test_each_profile_has_the_rule_of_its_own_utility():
    names = {key: set(every(of)) for key, of in (("up", UP), ("down", DOWN), ("flat", FLAT))}
    night = {"minimum night flow", "minimum night flow 3 sigma", "night level"}
    special = {*night, "consumption ratio", "seasonal naive", "persistence"}
    assert names["up"] & special == {*night, "seasonal naive"}
    assert names["down"] & special == {"consumption ratio", "seasonal naive"}
    assert names["flat"] & special == {"persistence"}
    assert len({frozenset(n - special) for n in names.values()}) == 1


def labelled(of, raised: Callable) -> judging.Dataset:
    """Two devices; from the third day of the test part on, four days are as `raised` makes them."""
    devices = []
    for i, name in enumerate("ab"):
        values = hourly.usual(hourly.grid(), seed=i)
        labels = np.zeros(len(values), dtype=bool)
        labels[TRAIN + 3 * DAY : TRAIN + 7 * DAY] = True
        values[labels] = raised(values[labels])
        devices.append(hourly.device(of, values, labels, name))
    return hourly.dataset(of, *devices)


def leak(values):
    """20 % of the mean inflow of 40 L/s."""
    return values + np.array([8.0, -1.0])


def test_random_scores_rank_as_chance_does_and_are_the_same_for_a_seed():
    data = labelled(UP, leak)
    first, same = (judging.score_test(data, trivial.random(UP, 0), 1.0) for _ in range(2))
    areas = [by_row(judging.score_test(data, trivial.random(UP, seed), 1.0))["auc_roc"] for seed in range(30)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(first[0].scores, same[0].scores)
    assert (first[0].scores != first[1].scores).all()


def test_the_position_ranks_a_recording_that_ends_anomalous_without_looking():
    values, labels = hourly.usual(hourly.grid()), np.zeros(len(hourly.grid()), dtype=bool)
    labels[-5 * DAY :] = True
    data = hourly.dataset(UP, hourly.device(UP, values, labels))
    assert by_row(judging.score_test(data, trivial.position(), 1.0))["auc_roc"] == 1.0


def test_every_row_an_alarm_has_no_ranking_and_misses_nothing():
    found = by_row(judging.score_baseline(labelled(UP, leak), trivial.all_ones(), SHARE))
    assert (found["far"], found["mar"], found["auc_roc"]) == (1.0, 0.0, 0.5)


def test_minimum_night_flow_finds_a_leak_of_a_fifth_after_its_first_night_and_holds_it_for_a_day():
    data = labelled(UP, leak)
    for s in judging.score_test(data, utility.minimum_night_flow(UP), utility.SIGMA):
        # the test part begins with the reading at 00:00 of day 0, the leak with that of day 3
        assert s.alarms()[3 * DAY + 4 : 7 * DAY + 4].all()
        assert not s.alarms()[: 3 * DAY + 4].any()
        assert not s.alarms()[7 * DAY + 4]


def test_a_night_is_the_mean_flow_from_2_to_4_h_in_deviations_of_the_training_nights():
    values = np.full((6 * DAY, 2), 50.0)
    # the readings at 03:00 and 04:00 close the hours from 2 to 4
    for day, level in enumerate((10.0, 12.0, 14.0, 12.0, 20.0, 8.0)):
        values[day * DAY + 3, 0], values[day * DAY + 4, 0] = level - 1, level + 1
    found = scores(UP, judging.Baseline(utility.minimum_night_flow(UP)), values, until=4 * DAY - 1, train_d=4)
    deviation = np.std([10, 12, 14, 12], ddof=1)
    assert found[4 * DAY + 4] == pytest.approx((20 - 12) / deviation)
    assert found[4 * DAY + 3] == pytest.approx(0)
    assert found[5 * DAY + 3] == found[4 * DAY + 4]
    assert found[5 * DAY + 4] == 0  # below the mean


def test_the_night_level_looks_at_all_sensors_in_either_direction():
    quiet = hourly.usual(hourly.grid())
    for by in ([8.0, 0.0], [-8.0, 0.0], [0.0, -8.0]):
        values = quiet + np.where(np.arange(len(quiet))[:, None] >= 30 * 24, by, 0.0)
        found = scores(UP, judging.Baseline(utility.night_level(UP)), values)
        before, after = found[20 * DAY : 29 * DAY], found[32 * DAY :]
        assert np.nanmax(before) < np.nanmin(after)


def test_the_night_is_that_of_the_profiles_own_time():
    east = hourly.profile("up")
    east = east.model_copy(update={"season": east.season.model_copy(update={"utc_offset_h": 3.0})})
    values = np.full((4 * DAY, 2), 50.0)
    values[:, 0] += np.arange(4 * DAY) % 2
    values[2 * DAY + 24, 0] += 30  # 00:00 UTC is 03:00 there
    found = scores(east, judging.Baseline(utility.minimum_night_flow(east)), values, until=2 * DAY - 1, train_d=2)
    assert found[3 * DAY] == 0
    assert found[3 * DAY + 1] > 3


def test_nights_with_few_readings_do_not_count():
    values = hourly.usual(hourly.grid())
    values[TRAIN + 3, 0] = values[TRAIN + 4, 0] = np.nan
    found = scores(UP, judging.Baseline(utility.minimum_night_flow(UP)), values)
    assert (found[TRAIN + 4 : TRAIN + DAY + 4] == found[TRAIN + 3]).all()


def test_the_consumption_ratio_is_that_of_the_last_week_to_the_weeks_before():
    values = np.full((5 * 7 * DAY, 2), 40.0)
    values[4 * 7 * DAY :, 0] = 10.0
    found = scores(DOWN, judging.Baseline(utility.consumption_ratio(DOWN)), values)
    assert found[TRAIN - 1] == 0
    assert found[-1] == pytest.approx(np.log(4))
    half = TRAIN - 1 + 7 * DAY // 2
    assert found[half] == pytest.approx(-np.log((40 + 10) / 2 / 40))
    assert np.isnan(found[: 7 * DAY - 1]).all()


def test_more_consumption_is_no_fraud_and_none_at_all_is():
    values = np.full((5 * 7 * DAY, 2), 40.0)
    values[4 * 7 * DAY :, 0] = 80.0
    assert scores(DOWN, judging.Baseline(utility.consumption_ratio(DOWN)), values)[-1] == 0
    values[4 * 7 * DAY :, 0] = 0.0
    last = scores(DOWN, judging.Baseline(utility.consumption_ratio(DOWN)), values)[-1]
    assert np.isfinite(last)
    assert last > 10


def test_seasonal_naive_compares_with_the_same_hour_of_the_week_before():
    values = np.tile(np.arange(7.0 * DAY)[:, None], (6, 2)) + 100
    values[:, 1] = 40 + (np.arange(len(values)) // (7 * DAY)) % 2 * 2.0  # every other week 2 m more
    values[-1] = [104 + 7 * DAY - 1, 40]
    found = scores(UP, judging.Baseline(naive.naive(UP)), values)
    # the flow never differed from a week before, so its scale is the floor of 0.05; the pressure differs by 2
    assert found[-1] == pytest.approx((4 / 0.05 + 0) / 2)
    # 2 m less than a week before is one deviation in the direction that matters
    assert found[TRAIN] == pytest.approx((0 + 1) / 2)


def test_seasonal_naive_looks_both_ways_where_what_is_removed_may_lie_either_way():
    removed = DOWN.model_copy(update={"scoring": DOWN.scoring.model_copy(update={"kind": "removed"})})
    values = np.tile(np.arange(7.0 * DAY)[:, None], (6, 2)) + 100
    values[:, 1] = 40.0
    values[-1, 0] += 4.0  # more is metered than a week before
    assert scores(DOWN, judging.Baseline(naive.naive(DOWN)), values)[-1] == 0
    assert scores(removed, judging.Baseline(naive.naive(removed)), values)[-1] > 10


def test_persistence_compares_with_the_last_value():
    values = np.full((TRAIN + 2 * DAY, 2), 40.0)
    values[::2] += 1
    values[-2] = 41.0
    values[-1] = [47.0, 41.0]
    found = scores(FLAT, judging.Baseline(naive.naive(FLAT)), values)
    assert found[-1] == pytest.approx(np.sqrt((6**2 + 0) / 2))
    assert found[TRAIN] == pytest.approx(1.0)


def test_the_mahalanobis_distance_sees_what_breaks_a_correlation():
    rng = np.random.default_rng(0)
    common = rng.normal(size=TRAIN + 3 * DAY)
    values = 40 + np.stack([common, common], axis=1) + 0.1 * rng.normal(size=(len(common), 2))
    values[-2], values[-1] = [42.0, 42.0], [42.0, 38.0]
    for judge in (multivariate.mahalanobis(FLAT, 1), multivariate.t2_and_q(FLAT, 1)):
        along, across = scores(FLAT, judging.Baseline(judge), values)[-2:]
        assert across > 2 * along


def test_t2_and_q_are_as_defined():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(TRAIN, 2)) * [3.0, 0.5]
    turned = train @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    values = np.vstack([40 + turned, [[46.0, 42.0]]])
    found = scores(FLAT, judging.Baseline(multivariate.t2_and_q(FLAT, 1)), values)[-1]
    rows = values[:TRAIN]
    z = (values - rows.mean(axis=0)) / rows.std(axis=0)
    eigenvalue, vectors = np.linalg.eigh(np.cov(z[:TRAIN].T))
    assert eigenvalue[1] > 0.9 * eigenvalue.sum()  # one component is kept
    t = z @ vectors
    t2, q = t[:, 1] ** 2 / eigenvalue[1], t[:, 0] ** 2
    expected = t2[-1] / np.quantile(t2[:TRAIN], 0.99) + q[-1] / np.quantile(q[:TRAIN], 0.99)
    assert found == pytest.approx(np.sqrt(expected))


@pytest.mark.parametrize("make", [multivariate.mahalanobis, multivariate.t2_and_q, multivariate.isolation_forest])
def test_a_large_deviation_of_all_sensors_is_ranked_first(make):
    data = labelled(FLAT, lambda values: values + np.array([300.0, -30.0]))
    assert by_row(judging.score_test(data, make(FLAT), 1.0))["auc_roc"] > 0.95


def test_a_baseline_without_a_score_for_held_back_rows_says_so():
    short = hourly.device(UP, hourly.usual(hourly.grid(9)), train_d=6)
    with pytest.raises(TrainingError, match=r"none of .* held-back windows has a score"):
        judging.threshold(hourly.dataset(UP, short), naive.naive(UP), SHARE)


def test_too_few_normal_rows_are_refused():
    device = hourly.device(FLAT, hourly.usual(hourly.grid()))
    with pytest.raises(TrainingError, match="expected at least 10"):
        multivariate.mahalanobis(FLAT)(device, START + 3 * HOUR, device.windows.ends)
