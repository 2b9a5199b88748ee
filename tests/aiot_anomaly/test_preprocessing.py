"""Preprocessing: causal, with a memory of `profile.history` rows and no more."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import preprocessing, windows
from tests.aiot_anomaly.kinds import assert_same, laid, measured, profile, small_profiles


def test_a_value_is_held_for_the_longest_gap_and_no_longer():
    column = np.array([[np.nan], [1.0], [np.nan], [np.nan], [np.nan], [2.0], [np.nan]])
    held = preprocessing.hold(column, 2)
    np.testing.assert_array_equal(held[:, 0], [np.nan, 1, 1, 1, np.nan, 2, 2])
    np.testing.assert_array_equal(preprocessing.hold(column, 0), column)


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=30), st.integers(0, 4))
def test_holding_is_what_a_loop_over_the_rows_does(column, longest):
    expected, last, age = [], np.nan, 0
    for value in column:
        last, age = (last, age + 1) if value is None else (value, 0)
        expected.append(last if age <= longest else np.nan)
    rows = np.array([[np.nan if v is None else v] for v in column]).reshape(-1, 1)
    np.testing.assert_array_equal(preprocessing.hold(rows, longest)[:, 0], expected)


@given(st.integers(0, 20), st.integers(1, 5), st.integers(0, 99))
def test_a_trailing_mean_is_of_the_rows_up_to_each_and_missing_with_any_of_them(n, length, seed):
    rows = measured(n, seed)
    found = preprocessing.trailing_mean(rows, length)
    expected = [
        rows[max(0, i - length + 1) : i + 1].mean(axis=0) if i + 1 >= length else [np.nan] * 2 for i in range(n)
    ]
    np.testing.assert_allclose(found, np.array(expected).reshape(n, 2), rtol=1e-12)


def test_a_change_is_the_value_less_the_one_a_span_before():
    of = profile(window={"steps": 3})
    flow = np.array([1.0, 2, 4, 8, 16])
    found = preprocessing.inputs(of, laid(of, np.arange(5), np.stack([flow, np.zeros(5)], axis=1)))
    np.testing.assert_array_equal(found[:, 0], flow)
    np.testing.assert_array_equal(found[:, 2], [np.nan, np.nan, np.nan, 7, 14])


@given(small_profiles(), st.integers(2, 60), st.data())
def test_what_comes_later_changes_nothing_before_it(of, n, data):
    t = data.draw(st.integers(0, n - 1), label="t")
    values = measured(n, seed=n)
    other = values.copy()
    other[t + 1 :] = measured(n - t - 1, seed=1000 + n)
    before, after = (preprocessing.inputs(of, laid(of, np.arange(n), v)) for v in (values, other))
    np.testing.assert_array_equal(before[: t + 1], after[: t + 1])


@given(small_profiles(), st.integers(0, 99), st.data())
def test_the_last_rows_of_history_give_the_window_that_the_whole_series_gives(of, seed, data):
    n = of.history + 20
    at = np.flatnonzero(np.random.default_rng(seed).random(n) < data.draw(st.sampled_from([0.8, 0.95, 1.0])))
    values = measured(n, seed, missing=0.1)
    whole = windows.cut(of, laid(of, at, values[at]))
    for i, end in enumerate((whole.ends // of.interval_s).tolist()):
        kept = at[(at > end - of.history) & (at <= end)]
        alone = windows.cut(of, laid(of, kept, values[kept], until=end))
        same_end = alone.only(alone.ends == whole.ends[i])
        if whole.complete[i]:
            np.testing.assert_array_equal(same_end.values, whole.values[[i]])
        else:
            assert not same_end.complete.any()


@given(small_profiles())
def test_with_one_row_of_history_less_a_held_value_is_lost(of):
    # the oldest row that a window can need: held over the longest gap, in its first row
    end = of.window.stride * of.history + of.window.phase
    oldest = end - of.history + 1
    filled = np.arange(oldest + of.imputation.longest_gap + 1, end + 1)
    at = np.concatenate([[oldest], filled])
    whole = windows.cut(of, laid(of, at, np.ones((len(at), 2))))
    assert whole.ends[-1] == end * of.interval_s
    assert whole.complete[-1]
    less = windows.cut(of, laid(of, filled, np.ones((len(filled), 2))))
    assert not less.complete[-1]
    assert_same(whole.only(whole.ends > whole.ends[-1]), less.only(less.ends > less.ends[-1]))
