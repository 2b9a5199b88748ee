"""That each fraud changes what is metered exactly as its formula says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from simulator import fraud
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.fraud import AROUND, LEAST_OFF_H, SHARES, THEFTS, TYPES, Fraud
from simulator.seeds import Stream, generator

DAY = 20_000


@st.composite
def consumption(draw: st.DrawFn) -> np.ndarray:
    """(days, 24) kWh above 0."""
    days = draw(st.integers(1, 6))
    return draw(arrays.arrays(np.float64, (days, 24), elements=st.floats(0.001, 5_000)))


def reported(kind: str, consumed: np.ndarray, *, seed: int = 1, number: int = 7, before: float = 0.5) -> np.ndarray:
    days = range(DAY, DAY + len(consumed))
    theft = Fraud("meter-0007", kind, days.start * DAY_S, days.stop * DAY_S)
    return theft.metered(consumed, days, before, seed=seed, number=number)


def drawn(kind: str, days: int, seed: int) -> tuple[np.random.Generator, list[np.random.Generator]]:
    """The generators that a fraud draws from: of the whole, and of each day."""
    which = TYPES.index(kind)
    daily = [generator(seed, Stream.FRAUD_DAY, 7, which, DAY + k) for k in range(days)]
    return generator(seed, Stream.FRAUD, 7, which, DAY), daily


@given(consumption(), st.integers(0, 99))
def test_h1_is_one_share_of_every_hour(consumed: np.ndarray, seed: int) -> None:
    share = drawn("h1", 0, seed)[0].uniform(*SHARES)
    np.testing.assert_array_equal(reported("h1", consumed, seed=seed), share * consumed)
    assert 0.1 <= share <= 0.8


@given(consumption(), st.integers(0, 99))
def test_h2_is_zero_in_one_block_of_four_hours_or_more_and_true_elsewhere(consumed: np.ndarray, seed: int) -> None:
    for day, (true, shown) in enumerate(zip(consumed, reported("h2", consumed, seed=seed), strict=True)):
        rng = drawn("h2", day + 1, seed)[1][day]
        first, length = int(rng.integers(0, 20)), int(rng.integers(4, 25))
        off = (np.arange(24) >= first) & (np.arange(24) < first + length)
        np.testing.assert_array_equal(shown == 0, off)
        np.testing.assert_array_equal(shown[~off], true[~off])
        assert off.sum() >= LEAST_OFF_H
        assert np.count_nonzero(np.diff(np.concatenate(([0], off.astype(int), [0])))) == 2


@given(consumption(), st.integers(0, 99))
def test_h3_is_a_share_of_its_own_for_each_hour(consumed: np.ndarray, seed: int) -> None:
    shares = np.array([rng.uniform(*SHARES, 24) for rng in drawn("h3", len(consumed), seed)[1]])
    np.testing.assert_array_equal(reported("h3", consumed, seed=seed), shares * consumed)
    assert len(np.unique(shares)) == shares.size


@given(consumption(), st.integers(0, 99))
def test_h4_is_a_share_of_the_days_mean_for_each_hour(consumed: np.ndarray, seed: int) -> None:
    shares = np.array([rng.uniform(*SHARES, 24) for rng in drawn("h4", len(consumed), seed)[1]])
    shown = reported("h4", consumed, seed=seed)
    np.testing.assert_allclose(shown, shares * consumed.mean(axis=1, keepdims=True), rtol=1e-12)
    # the day's energy is the share that the hours' shares have in the mean
    np.testing.assert_allclose(shown.sum(axis=1), shares.mean(axis=1) * consumed.sum(axis=1), rtol=1e-12)


@given(consumption())
def test_h5_is_the_days_mean_and_keeps_its_energy(consumed: np.ndarray) -> None:
    shown = reported("h5", consumed)
    assert np.all(shown == shown[:, :1])
    np.testing.assert_allclose(shown.sum(axis=1), consumed.sum(axis=1), rtol=1e-12)


@given(consumption())
def test_h6_is_the_day_backwards_and_twice_the_day_itself(consumed: np.ndarray) -> None:
    shown = reported("h6", consumed)
    for hour in range(24):
        np.testing.assert_array_equal(shown[:, hour], consumed[:, 23 - hour])
    np.testing.assert_array_equal(reported("h6", shown), consumed)
    np.testing.assert_array_equal(np.sort(shown, axis=1), np.sort(consumed, axis=1))


@given(consumption(), st.integers(0, 99))
def test_a_bypass_leaves_the_meter_what_does_not_run_around_it(consumed: np.ndarray, seed: int) -> None:
    around = drawn("bypass", 0, seed)[0].uniform(*AROUND)
    shown = reported("bypass", consumed, seed=seed)
    np.testing.assert_array_equal(shown, (1 - around) * consumed)
    np.testing.assert_allclose(shown + around * consumed, consumed, rtol=1e-12)


@given(consumption(), st.floats(0, 10))
def test_a_stuck_meter_repeats_a_dead_one_reads_zero_and_a_silent_one_sends_nothing(
    consumed: np.ndarray, before: float
) -> None:
    np.testing.assert_array_equal(reported("stuck", consumed, before=before), np.full_like(consumed, before))
    np.testing.assert_array_equal(reported("dead", consumed), np.zeros_like(consumed))
    assert np.isnan(reported("silent", consumed)).all()


@given(consumption(), st.sampled_from(TYPES))
def test_consumption_itself_is_never_changed(consumed: np.ndarray, kind: str) -> None:
    kept = consumed.copy()
    reported(kind, consumed)
    np.testing.assert_array_equal(consumed, kept)


@given(consumption(), st.sampled_from(("h1", "h2", "h3", "bypass", "dead")))
def test_no_hour_is_metered_higher_than_consumed_by_a_theft_hour_by_hour(consumed: np.ndarray, kind: str) -> None:
    assert np.all(reported(kind, consumed) <= consumed)


@given(consumption(), st.sampled_from(TYPES), st.data())
def test_what_is_not_known_is_not_reported(consumed: np.ndarray, kind: str, data: st.DataObject) -> None:
    unknown = data.draw(arrays.arrays(np.bool_, consumed.shape))
    consumed[unknown] = np.nan
    shown = reported(kind, consumed)
    assert np.isnan(shown[unknown]).all()
    if kind == "h5" and not unknown.all(axis=1).any():
        np.testing.assert_allclose(np.nansum(shown, axis=1), np.nansum(consumed, axis=1), rtol=1e-12)


@given(consumption(), st.sampled_from(TYPES), st.integers(0, 5))
def test_a_day_is_metered_alike_whichever_days_are_simulated(consumed: np.ndarray, kind: str, row: int) -> None:
    row %= len(consumed)
    theft = Fraud("meter-0007", kind, DAY * DAY_S, (DAY + 9) * DAY_S)
    whole = theft.metered(consumed, range(DAY, DAY + len(consumed)), 1.0, seed=2, number=7)
    alone = theft.metered(consumed[row : row + 1], range(DAY + row, DAY + row + 1), 1.0, seed=2, number=7)
    np.testing.assert_array_equal(alone[0], whole[row])


@pytest.mark.parametrize("kind", ["h1", "h2", "h3", "h4", "bypass"])
def test_another_seed_and_another_meter_steal_otherwise(kind: str) -> None:
    consumed = np.ones((5, 24))
    first = reported(kind, consumed)
    assert not np.array_equal(first, reported(kind, consumed, seed=2))
    assert not np.array_equal(first, reported(kind, consumed, number=8))


@pytest.mark.parametrize(
    ("spec", "kind", "first", "days"),
    [
        ("meter-0001:h3:2026-11-02:14", "h3", 20_759, 14),
        ("METER-0001:H3:2026-11-02T13:30:14", "h3", 20_759, None),
        ("meter-0001:h3:2026-11-02T13:30Z:14", "h3", 20_759, 14),
        ("meter-0001:h3:2026-11-02T13:30+02:00:14", "h3", 20_759, 14),
        ("meter-0001:bypass:-3d", "bypass", 20_771, None),
        ("meter-0001:dead:-3d:12", "dead", 20_771, 12),
        ("meter-0001:dead:-36h:1", "dead", 20_773, 1),
    ],
)
def test_a_fraud_is_read_as_whole_days(spec: str, kind: str, first: int, days: int | None) -> None:
    end = 20_774 * DAY_S + 19 * 3600
    assert fraud.parse(spec, end=end) == Fraud(
        "meter-0001", kind, first * DAY_S, (20_775 if days is None else first + days) * DAY_S
    )


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("meter-0001:h3", r"expected METER:TYPE:START\[:DAYS\]"),
        ("dma-01:h3:-3d:1", "expected METER:TYPE"),
        ("meter-0001:h3:-3d:1.5", "expected METER:TYPE"),
        ("meter-0001:h7:-3d:1", "h1, h2, h3, h4, h5, h6, bypass, stuck, dead, silent"),
        ("meter-0001:h1:-3d:0", "whole days"),
        ("meter-0001:h1:2026-13-01:1", "expected ISO 8601"),
    ],
)
def test_what_is_no_fraud_is_refused(spec: str, match: str) -> None:
    with pytest.raises(SimulatorError, match=match):
        fraud.parse(spec, end=20_774 * DAY_S)


def test_a_fraud_begins_at_midnight() -> None:
    with pytest.raises(SimulatorError, match="whole days in UTC"):
        Fraud("meter-0001", "h1", DAY * DAY_S + 3600, (DAY + 1) * DAY_S)


@settings(max_examples=50)
@given(st.integers(1, 30), st.data(), st.integers(0, 9), st.integers(1, 20), st.integers(0, 10))
def test_random_frauds_are_each_in_a_meter_of_its_own_and_within_the_range(
    meters: int, data: st.DataObject, seed: int, days: int, quiet_days: int
) -> None:
    count = data.draw(st.integers(0, meters))
    start, end = DAY * DAY_S + 5 * 3600, (DAY + 40) * DAY_S + 3600
    numbers = range(11, 11 + meters)
    found = fraud.random_frauds(numbers, start, end, count=count, days=days, quiet_days=quiet_days, seed=seed)
    assert len({f.device_id for f in found}) == len(found) == count
    assert {f.device_id for f in found} <= {fraud.device_name(n) for n in numbers}
    assert all(start + quiet_days * DAY_S <= f.start and f.end <= end and len(f.days) == days for f in found)
    # the kinds take turns
    most = [sum(f.kind == kind for f in found) for kind in THEFTS]
    assert max(most) - min(most) <= 1
    assert found == fraud.random_frauds(numbers, start, end, count=count, days=days, quiet_days=quiet_days, seed=seed)


@pytest.mark.parametrize(
    ("asked", "match"), [({"count": 3}, "3 random frauds in 2 meters"), ({"count": 1, "days": 10}, "do not fit")]
)
def test_random_frauds_that_do_not_fit_are_refused(asked: dict[str, int], match: str) -> None:
    with pytest.raises(SimulatorError, match=match):
        fraud.random_frauds([1, 2], DAY * DAY_S, (DAY + 9) * DAY_S, seed=1, **asked)


@pytest.mark.parametrize("kind", fraud.ATTACKS)
def test_some_days_are_falsified_by_one_generator_as_by_a_meters_own(kind: str) -> None:
    rng = np.random.default_rng(3)
    consumed = rng.uniform(1, 9, (40, 24))
    consumed[2, 5] = np.nan
    shown = fraud.falsified(kind, consumed, np.random.default_rng(1))
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(consumed) if kind != "h6" else np.isnan(shown))
    np.testing.assert_array_equal(shown, fraud.falsified(kind, consumed, np.random.default_rng(1)))
    mean = np.broadcast_to(np.nanmean(consumed, axis=1, keepdims=True), consumed.shape)
    known = ~np.isnan(shown)
    if kind in {"h1", "h3", "h4"}:
        share = (shown / (mean if kind == "h4" else consumed))[known]
        assert SHARES[0] <= share.min() <= share.max() <= SHARES[1]
        assert (share.std() < 1e-12) == (kind == "h1")
    elif kind == "h2":
        assert (np.nansum(shown == 0, axis=1) >= LEAST_OFF_H).all()
        assert ((shown == 0) | (shown == consumed) | ~known).all()
    else:
        np.testing.assert_allclose(shown[3:], mean[3:] if kind == "h5" else consumed[3:, ::-1])


def test_what_is_no_attack_is_refused() -> None:
    with pytest.raises(SimulatorError, match="attack 'dead'; expected one of h1, h2, h3, h4, h5, h6"):
        fraud.falsified("dead", np.ones((1, 24)), np.random.default_rng(0))
