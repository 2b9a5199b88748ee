"""That consumers use as much as real ones, when real ones do, and depend on nothing but seed, number and date."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.clock import DAY_S
from simulator.consumers import KINDS, Consumer
from simulator.errors import SimulatorError

#: 2025, from the first day to the last
YEAR = range(20_089, 20_089 + 365)
WORKING = np.array([(day + 3) % 7 < 5 for day in YEAR])
SUNDAY = np.array([(day + 3) % 7 == 6 for day in YEAR])

Hours = dict[str, list[np.ndarray]]


@pytest.fixture(scope="module")
def year() -> Hours:
    """(365, 24) kWh of twelve consumers of each kind."""
    return {kind: [Consumer.of(5, n, [kind]).hours(YEAR) for n in range(1, 13)] for kind in KINDS}


def test_a_year_of_each_kind_is_of_the_size_that_statistics_give(year: Hours) -> None:
    annual = {kind: np.array([h.sum() for h in hours]) / 1000 for kind, hours in year.items()}
    # MWh; Ofgem's typical household: 1.8 to 4.1, median 2.7
    assert annual["household"].min() > 1.5
    assert annual["household"].max() < 9
    assert 2 < np.median(annual["household"]) < 4
    assert annual["shop"].min() > 4
    assert annual["shop"].max() < 120
    assert annual["industry"].min() > 100
    assert annual["industry"].max() < 2_600


def test_households_peak_in_the_evening_and_rest_at_night_as_in_the_standard_profile(year: Hours) -> None:
    day = np.mean([h.mean(axis=0) / h.mean() for h in year["household"]], axis=0)
    assert 17 <= day.argmax() <= 21
    assert 1.4 < day.max() < 2.1
    # VDEW H0: 0.37 of the mean at the lowest; electric cars at night lift it
    assert 0.30 < day.min() < 0.60
    # a second peak in the morning or at noon
    assert day[6:15].max() > 1.2 * day.min()


def test_one_households_hours_vary_and_hang_together(year: Hours) -> None:
    for hours in year["household"]:
        series = hours.ravel()
        assert 0.4 < series.std() / series.mean() < 1.6
        assert 0.03 < series.mean() / series.max() < 0.30
        assert np.corrcoef(series[:-1], series[1:])[0, 1] > 0.4
        assert np.corrcoef(series[:-24], series[24:])[0, 1] > 0.3


def test_households_use_more_in_winter_and_on_sundays_at_noon(year: Hours) -> None:
    total = np.sum([h / h.mean() for h in year["household"]], axis=0)
    winter, summer = total[:59].mean(), total[151:243].mean()
    assert 1.05 < winter / summer < 1.8
    assert total[SUNDAY][:, 11:14].mean() > 1.15 * total[WORKING][:, 11:14].mean()


@pytest.mark.parametrize("kind", ["shop", "industry"])
def test_trade_uses_more_by_day_and_less_on_sundays(year: Hours, kind: str) -> None:
    total = np.sum([h / h.mean() for h in year[kind]], axis=0)
    assert total[WORKING].mean() > 1.3 * total[SUNDAY].mean()
    assert total[:, 9:16].mean() > 1.3 * total[:, :5].mean()


def test_the_deviations_keep_the_mean() -> None:
    consumers = [Consumer.of(1, n, ["industry"]) for n in range(1, 9)]
    quiet = range(19_783, 19_783 + 140)  # from 2024-03-01, without works holidays
    for consumer in consumers:
        bought = sum(t.size for t in consumer.events("m", 0, quiet.stop * DAY_S) if t.kind == "appliance") / 24
        assert consumer.hours(quiet).mean() == pytest.approx(consumer.mean + bought, rel=0.13)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 9_999),
    st.sampled_from(sorted(KINDS)),
    st.integers(18_000, 21_000),
    st.integers(1, 40),
    st.integers(0, 39),
)
def test_another_range_of_days_gives_the_same_numbers_to_the_last_bit(
    seed: int, number: int, kind: str, first: int, length: int, skipped: int
) -> None:
    consumer = Consumer.of(seed, number, [kind])
    whole = consumer.hours(range(first, first + length))
    skipped %= length
    part = Consumer.of(seed, number, [kind]).hours(range(first + skipped, first + length))
    np.testing.assert_array_equal(part, whole[skipped:])
    assert whole.shape == (length, 24)
    assert whole.min() > 0


def test_another_seed_and_another_number_differ() -> None:
    of = [Consumer.of(seed, n).hours(range(20_000, 20_003)) for seed, n in ((1, 1), (1, 2), (2, 1))]
    assert not np.array_equal(of[0], of[1])
    assert not np.array_equal(of[0], of[2])


@pytest.mark.parametrize("kind", ["shop", "industry"])
def test_a_public_holiday_is_lived_as_a_sunday_and_on_record_as_normal(kind: str) -> None:
    # 2025-11-20, the day of black consciousness
    thursday = 20_412
    days = range(thursday - 3, thursday + 4)
    for n in range(1, 9):
        plain, keeping = (Consumer.of(5, n, [kind], holidays=country) for country in (None, "BR"))
        expected = plain.hours(days)
        found = keeping.hours(days)
        np.testing.assert_array_equal(np.delete(found, 3, axis=0), np.delete(expected, 3, axis=0))
        assert found[3].sum() < expected[3].sum()
        told = [t for t in keeping.events("m", days.start * DAY_S, days.stop * DAY_S) if t.kind == "public holiday"]
        assert [(t.start, t.end, t.anomalous) for t in told] == [(thursday * DAY_S, (thursday + 1) * DAY_S, False)]


def test_a_fleet_is_mostly_households() -> None:
    drawn = [Consumer.of(3, n).kind for n in range(1, 401)]
    for kind, share in KINDS.items():
        assert drawn.count(kind) / len(drawn) == pytest.approx(share, abs=0.06)


def test_the_order_in_which_kinds_are_named_does_not_matter() -> None:
    assert Consumer.of(1, 7, ["industry", "shop"]) == Consumer.of(1, 7, ["shop", "industry", "shop"])


@pytest.mark.parametrize("kinds", [["farm"], [], ["shop", "farm"]])
def test_a_kind_that_there_is_not_is_refused(kinds: list[str]) -> None:
    with pytest.raises(SimulatorError, match="household, shop, industry"):
        Consumer.of(1, 1, kinds)


def test_a_vacation_is_on_record_as_normal_and_leaves_the_base_load() -> None:
    start, end = YEAR.start * DAY_S, YEAR.stop * DAY_S
    seen = 0
    for n in range(1, 13):
        consumer = Consumer.of(5, n, ["household"])
        hours = consumer.hours(YEAR)
        for event in consumer.events("m", start, end):
            assert start <= event.start < event.end <= end
            assert not event.anomalous
            if event.kind == "vacation" and event.start > start:
                days = slice((event.start - start) // DAY_S, (event.end - start) // DAY_S)
                seen += 1
                assert hours[days].mean() < 0.75 * hours.mean()
                # as much as the base load is left, each day
                assert hours[days].mean(axis=1).min() > 0.5 * consumer.base * consumer.mean
                assert event.size == pytest.approx((1 - consumer.base) * 0.95, abs=0.001)
    assert seen > 5


def test_an_appliance_adds_its_energy_from_its_day_on_and_changes_nothing_before() -> None:
    start, end = YEAR.start * DAY_S, YEAR.stop * DAY_S
    found = [
        (Consumer.of(5, n, ["household"]), t)
        for n in range(1, 60)
        for t in Consumer.of(5, n, ["household"]).events("m", start, end)
        if t.kind == "appliance"
    ]
    assert found
    assert all(t.end == end and not t.anomalous and t.size > 0 for _, t in found)
    consumer, event = max(found, key=lambda pair: pair[1].size)
    bought = (event.start - start) // DAY_S
    hours = consumer.hours(YEAR)
    # the largest is a car, charged at night
    nights = hours[:, [23, 0, 1, 2]].sum(axis=1)
    assert np.median(nights[bought:]) - np.median(nights[:bought]) == pytest.approx(0.75 * event.size, rel=0.4)


def test_an_appliance_is_news_only_in_the_range_in_which_it_is_bought() -> None:
    start, end = YEAR.start * DAY_S, YEAR.stop * DAY_S
    later = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    for n in range(1, 40):
        consumer = Consumer.of(5, n)
        bought = {(t.start, t.size) for t in consumer.events("m", start, end) if t.kind == "appliance"}
        news = {(t.start, t.size) for t in consumer.events("m", end, later) if t.kind == "appliance"}
        assert not bought & news
