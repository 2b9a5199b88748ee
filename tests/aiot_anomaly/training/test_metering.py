"""Falsified days: each form as it says, in the declared share of windows, and consistent in every input."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly import preprocessing
from aiot_anomaly.derived import Log
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import metering
from aiot_anomaly.training.fit import examples as examples_of
from aiot_anomaly.training.fit import standardise
from aiot_anomaly.windows import season_slots
from tests.aiot_anomaly.kinds import laid, meter, profile
from tests.aiot_anomaly.training.meters import device

OF = meter()
DAYS = np.random.default_rng(0).uniform(1, 9, (50, 7, 24))


def rows():
    """Standardised windows, their level and their scale."""
    (example,) = examples_of(OF, [device().train()])
    level = example.calibration.center[season_slots(OF, example.windows.ends)]
    scale = example.calibration.scale[season_slots(OF, example.windows.ends)]
    return standardise(OF, example.windows, example.calibration), level, scale


def falsified(seed: int = 1, **options):
    z, level, scale = rows()
    return z, metering.corrupt(OF, z, level, scale, np.random.default_rng(seed), **options), level, scale


def test_each_form_does_what_it_says():
    rng = np.random.default_rng(1)
    share = metering.scaled(DAYS, rng) / DAYS
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1, :1], DAYS.shape))
    off = metering.cut_off(DAYS, rng) == 0
    assert (np.abs(np.diff(off, axis=2, prepend=False, append=False)).sum(axis=2) == 2).all(), "one stretch a day"
    assert off.sum(axis=2).min() >= 3
    shares = metering.random_shares(DAYS, rng) / DAYS
    assert metering.SHARES[0] <= shares.min() < shares.max() <= metering.SHARES[1]
    np.testing.assert_allclose(metering.flattened(DAYS, rng), np.repeat(DAYS.mean(axis=2)[:, :, None], 24, axis=2))
    of_mean = metering.random_shares_of_mean(DAYS, rng) / metering.flattened(DAYS, rng)
    assert metering.SHARES[0] <= of_mean.min() < of_mean.max() <= metering.SHARES[1]
    np.testing.assert_array_equal(metering.reversed_days(DAYS, rng)[:, :, ::-1], DAYS)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_declared_share_of_windows_is_falsified_to_the_windows_end(share):
    z, found, _, _ = falsified(share=share)
    changed = (np.abs(found - z) > 1e-9).any(axis=2)
    assert changed.any(axis=1).mean() == pytest.approx(share, abs=0.15)
    assert (changed.any(axis=1) == changed[:, -1]).all()


def test_all_inputs_of_a_falsified_day_follow_from_its_values():
    _, found, level, scale = falsified(share=1.0)
    inputs = found * scale + level
    single = metering.columns(OF)
    logs = {c: d for c, d in enumerate(OF.derived, 1) if isinstance(d, Log)}
    inside = (np.abs(found) < OF.scoring.clip).all(axis=2)[:, -1]
    values = np.stack([logs[c].undone(inputs[:, -1, c]) for c in single], axis=1)[inside]
    for day, last in zip(values[:20], inputs[inside, -1], strict=False):
        again = preprocessing.inputs(OF, laid(OF, np.arange(4), day[:, None]))[-1]
        np.testing.assert_allclose(last[single], again[single], atol=1e-6)
        np.testing.assert_allclose(last[5:7], again[5:7], atol=1e-6, err_msg="day and roughness")


def test_what_reaches_before_the_day_and_what_is_not_scored_stay():
    z, found, _, _ = falsified(share=1.0)
    np.testing.assert_array_equal(found[:, :, OF.input_names.index("before")], z[:, :, -1])
    np.testing.assert_array_equal(found[:, :, 0], 0)


def test_a_profile_without_a_days_values_is_refused():
    assert metering.columns(OF) == [1, 2, 3, 4]
    with pytest.raises(TrainingError, match="expected a derived input of kind log, with span 1"):
        metering.columns(profile())
