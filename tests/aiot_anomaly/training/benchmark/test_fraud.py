"""The fraud benchmark: where frauds begin and end, what is asked of a judge, and how its answers are counted."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile
from aiot_anomaly.training.benchmark import fraud
from aiot_anomaly.training.dataset import Device, prepare
from tests.aiot_anomaly import kinds

START = 1_767_225_600
HOUR_S, DAY_S = 3_600, 86_400
TRAIN_D, DAYS = 20, 90


def hourly() -> Profile:
    """A meter whose windows are the hours of two days, judged when the day is over."""
    return kinds.profile(
        sensors=[{"name": "energy", "unit": "kWh", "valid_range": [0, 100], "smallest_deviation": 1}],
        derived=[],
        interval_s=HOUR_S,
        window={"steps": 48, "stride": 24, "phase": 23},
        scoring={"last_steps": 24},
    )


def device(of: Profile, seed: int = 0, days: int = DAYS) -> Device:
    at = START + HOUR_S * np.arange(24 * days)
    values = np.random.default_rng(seed).uniform(4, 6, (len(at), 1))
    return prepare(of, Recording(f"m{seed}", at, values, np.zeros(len(at), dtype=bool), TRAIN_D * 24))


def less(consumed, rng):
    return consumed * rng.uniform(0.1, 0.5)


def nothing(consumed, rng):
    return consumed


def low(scored: Device, until: int, ends):
    """Judges how far the last day is below five."""
    at = np.searchsorted(scored.windows.ends, ends)
    return np.maximum(5.0 - scored.windows.values[at, -24:, 0].mean(axis=1), 0.0)


def test_frauds_begin_on_whole_test_days_and_are_out_of_each_others_past():
    of = hourly()
    days = fraud.starts(of, device(of), 0)
    assert days[0] == START // DAY_S + TRAIN_D
    assert days[-1] + fraud.LASTS_D <= START // DAY_S + DAYS
    assert (np.diff(days) * 24 >= of.history + 24 * fraud.LASTS_D).all()
    np.testing.assert_array_equal(fraud.starts(of, device(of), 3)[:3], days[:3] + 3)


def test_a_fraud_changes_its_days_alone():
    of = hourly()
    honest = device(of)
    days = fraud.starts(of, honest, 0)
    other = fraud.falsified(of, honest, days, less, np.random.default_rng(0))
    share = (other.recording.values / honest.recording.values)[:, 0].reshape(-1, 24)
    changed = (np.arange(DAYS)[:, None] - (days - START // DAY_S) < fraud.LASTS_D) & (
        np.arange(DAYS)[:, None] >= days - START // DAY_S
    )
    np.testing.assert_array_equal((share < 1).all(axis=1), changed.any(axis=1))
    np.testing.assert_allclose(share[~changed.any(axis=1)], 1)
    first = share[changed[:, 0]]
    np.testing.assert_allclose(first, first[0, 0], err_msg="an attack is given all days of a fraud at once")
    assert other.train_until == honest.train_until
    np.testing.assert_array_equal(other.windows.ends, honest.windows.ends)


def test_missing_readings_stay_missing():
    of = hourly()
    honest = device(of)
    gone = np.arange(len(honest.recording)) % 50 != 0
    thin = honest.recording
    thin = Recording("m", thin.timestamps[gone], thin.values[gone], None, int(gone[: TRAIN_D * 24].sum()))
    seen = []
    fraud.falsified(
        of,
        prepare(of, thin),
        np.array([START // DAY_S + 30]),
        lambda x, _: seen.append(x) or x,
        np.random.default_rng(0),
    )
    assert seen[0].shape == (fraud.LASTS_D, 24)
    assert 0 < np.isnan(seen[0]).sum() < 10


def test_what_lowers_the_meter_is_found_and_what_changes_nothing_is_not():
    of = hourly()
    devices = [device(of, seed) for seed in range(4)]
    found = fraud.measure(of, devices, low, {"less": less, "nothing": nothing}, threshold=1.5, offsets=(0, 5))
    for decision in ("day", "week"):
        measures = found.kinds["less"][decision]
        assert (measures.auc, measures.found) == (1.0, 1.0)
        assert measures.frauds == 4 * sum(len(fraud.starts(of, devices[0], o)) for o in (0, 5))
        assert found.kinds["nothing"][decision].auc == pytest.approx(0.5, abs=0.15)
        assert found.kinds["nothing"][decision].found == 0
    assert found.false_alarms == found.false_incidents == 0
    assert (found.consumers, found.honest) == (4, 4 * (DAYS - TRAIN_D))
    assert found.mean("week").auc == pytest.approx((1 + found.kinds["nothing"]["week"].auc) / 2)
    assert found.worst("day") == found.kinds["nothing"]["day"].auc


def test_every_judge_meets_the_same_frauds():
    of, attacks = hourly(), {"less": less}
    devices = [device(of)]
    one, other = (fraud.measure(of, devices, low, attacks, threshold=t, seed=3) for t in (0.1, 9.0))
    assert one.kinds["less"]["day"].auc == other.kinds["less"]["day"].auc
    assert one.false_alarms > one.false_incidents > other.false_incidents == other.false_alarms == 0


def test_a_threshold_lets_one_normal_day_a_year_pass():
    of = hourly()
    normal = np.random.default_rng(0).permutation(np.arange(3650.0))
    above = (normal > fraud.yearly_threshold(of, normal)).sum()
    assert above in (9, 10)
    assert fraud.yearly_threshold(of, np.arange(100.0)) == 99.0


def test_too_short_a_test_part_is_said():
    of = hourly()
    with pytest.raises(DatasetError, match="and 0 on days of less"):
        fraud.measure(of, [device(of, days=TRAIN_D + 3)], low, {"less": less}, threshold=1.0)
