"""Windows: where they end, what they hold, and which readings each decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import preprocessing, windows
from tests.aiot_anomaly.kinds import assert_same, laid, measured, profile, small_profiles, variant
from tests.support.tiny_bundle import tiny_profile


@given(small_profiles(), st.integers(-1000, 1000))
def test_a_reading_is_decided_at_the_next_evaluated_slot(of, slot):
    end = int(windows.deciding_slot(of, np.array([slot]))[0])
    assert end % of.window.stride == of.window.phase
    assert 0 <= end - slot < of.window.stride


@given(small_profiles(), st.integers(-1000, 1000))
def test_the_last_evaluated_slot_is_the_slot_itself_or_the_nearest_before_it(of, slot):
    last = windows.last_evaluated(of, slot)
    assert last % of.window.stride == of.window.phase
    assert 0 <= slot - last < of.window.stride


def test_hourly_readings_are_judged_in_the_last_hour_of_each_day():
    of = profile(derived=[], interval_s=3600, window={"steps": 3, "stride": 24, "phase": 23})
    cut = windows.cut(of, laid(of, np.arange(5, 60), np.ones((55, 2))))
    np.testing.assert_array_equal(cut.ends, [23 * 3600, 47 * 3600])


@given(small_profiles(), st.integers(0, 5))
def test_a_window_needs_exactly_its_span(of, more):
    end = of.window.stride * of.span + of.window.phase
    start = end - of.span + 1
    whole = windows.cut(of, laid(of, np.arange(start - more, end + 1), np.ones((of.span + more, 2))))
    assert whole.complete[-1]
    assert whole.ends[-1] == end * of.interval_s
    less = windows.cut(of, laid(of, np.arange(start + 1, end + 1), np.ones((of.span - 1, 2))))
    assert not less.complete.any()


@given(small_profiles(), st.integers(0, 99), st.floats(0, 0.5))
def test_a_window_says_what_share_of_its_readings_was_filled(of, seed, missing):
    n = of.history + 15
    values = measured(n, seed)
    values[np.random.default_rng(seed).random(values.shape) < missing] = np.nan
    series = laid(of, np.arange(n), values)
    cut = windows.cut(of, series)
    whole = cut.only(cut.complete)
    for end, filled in zip(whole.ends // of.interval_s, whole.filled, strict=True):
        rows = end - of.window.step * np.arange(of.window.steps)
        used = (rows[:, None] - np.arange(of.window.aggregate)[None, :]).ravel()
        np.testing.assert_allclose(filled, np.isnan(series.values[used]).mean(axis=0), atol=1e-8)


@given(small_profiles(), st.integers(0, 99))
def test_as_many_readings_as_are_said_to_be_needed_lead_to_the_next_decision(of, seed):
    rng = np.random.default_rng(seed)
    slots = np.flatnonzero(rng.random(of.history + 5) < 0.8)
    slots = slots if len(slots) else np.array([3])
    values = measured(len(slots), seed)
    needed = windows.readings_needed(of, slots, values)
    assert needed > 0
    for more, decided in ((needed - 1, False), (needed, True)):
        at = np.concatenate([slots, slots[-1] + 1 + np.arange(more)])
        cut = windows.cut(of, laid(of, at, np.vstack([values, measured(more, seed + 1, missing=0, wrong=0)])))
        after = cut.only(cut.complete).ends > slots[-1] * of.interval_s
        assert after.any() == decided


@given(small_profiles(), st.integers(0, 99))
def test_a_window_holds_the_inputs_at_its_steps(of, seed):
    n = of.history + 15
    series = laid(of, np.arange(n), measured(n, seed))
    columns = preprocessing.inputs(of, series)
    cut = windows.cut(of, series)
    for end, values, complete in zip(cut.ends // of.interval_s, cut.values, cut.complete, strict=True):
        rows = end - of.window.step * np.arange(of.window.steps)[::-1]
        expected = [columns[r] if r >= 0 else np.full(columns.shape[1], np.nan) for r in rows]
        np.testing.assert_array_equal(values, expected)
        assert complete == (not np.isnan(values).any())


def test_there_is_a_window_only_where_a_reading_came():
    of = profile(window={"steps": 3, "stride": 4})
    cut = windows.cut(of, laid(of, [1, 2, 9, 12], np.ones((4, 2))))
    # 1 and 2 are decided at 4, 9 and 12 at 12; nothing came for 8
    np.testing.assert_array_equal(cut.ends, [4 * 60, 12 * 60])


def test_a_window_that_would_end_after_the_series_is_not_cut():
    of = profile(window={"steps": 3, "stride": 4})
    assert len(windows.cut(of, laid(of, [1, 2], np.ones((2, 2))))) == 0


def test_first_slot_leaves_out_windows_that_end_earlier():
    of = tiny_profile()
    series = laid(of, np.arange(40), measured(40, 1))
    whole = windows.cut(of, series)
    assert_same(windows.cut(of, series, first_slot=20), whole.only(whole.ends >= 20 * 60))


def test_out_of_range_is_told_by_the_window_that_decides_the_reading_and_no_other():
    of = tiny_profile()
    values = np.tile([50.0, 5.0], (30, 1))
    values[21, 1] = 99.0
    cut = windows.cut(of, laid(of, np.arange(30), values))
    np.testing.assert_array_equal(cut.ends[cut.out_of_range[:, 1]], [22 * 60])
    assert not cut.out_of_range[:, 0].any()
    assert cut.complete[cut.ends == 22 * 60].all(), "the last good value is held over one bad one"


@given(small_profiles(), st.integers(0, 99), st.integers(1, 40), st.integers(1, 30))
def test_blocks_of_any_size_give_the_windows_of_the_whole(of, seed, most_numbers, most_rows):
    rng = np.random.default_rng(seed)
    at = np.flatnonzero(rng.random(80) < 0.9)
    values = measured(80, seed)[at]
    whole = windows.cut(of, laid(of, at, values))
    parts = list(windows.blocks(of, at, values, until=int(at[-1]), most_numbers=most_numbers, most_rows=most_rows))
    np.testing.assert_array_equal(np.concatenate([p.ends for p in parts]), whole.ends)
    for name in ("values", "complete", "out_of_range"):
        found = np.concatenate([getattr(p, name) for p in parts])
        np.testing.assert_array_equal(found[whole.complete], getattr(whole, name)[whole.complete])
    np.testing.assert_array_equal(np.concatenate([p.complete for p in parts]), whole.complete)


@given(st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=20), st.sampled_from([-11.0, 0.0, 5.5, 14.0]))
def test_an_hour_of_the_week_is_the_local_hour_that_just_ended(times, offset):
    of = profile(season={"kind": "hour_of_week", "utc_offset_h": offset}, window={"steps": 3, "step": 7})
    ends = np.array(times) // 60 * 60
    found = windows.season_slots(of, ends)
    zone = timezone(timedelta(hours=offset))
    for end, row in zip(ends, found, strict=True):
        for back, slot in zip((14, 7, 0), row, strict=True):
            local = datetime.fromtimestamp(int(end) - back * 60 - 1, UTC).astimezone(zone)
            assert slot == local.hour + (24 if local.isoweekday() > 5 else 0)
        np.testing.assert_array_equal(windows.season_slots(of, np.array([windows.same_season(of, int(end))]))[0], row)


def test_without_a_season_all_rows_are_alike():
    assert not windows.season_slots(variant(season="none"), np.arange(5) * 3600).any()


@pytest.mark.parametrize("chosen", [[True, False, True], [False] * 3])
def test_only_keeps_the_chosen_windows(chosen):
    of = tiny_profile()
    cut = windows.cut(of, laid(of, np.arange(6), measured(6, 1)))
    assert len(cut) == 3
    found = cut.only(np.array(chosen))
    np.testing.assert_array_equal(found.ends, cut.ends[chosen])
    np.testing.assert_array_equal(found.values, cut.values[chosen])


def test_seconds_are_a_time_in_utc():
    assert windows.as_datetime(1_767_225_600) == datetime(2026, 1, 1, tzinfo=UTC)
