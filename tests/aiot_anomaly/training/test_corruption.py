"""Injected anomalies: of the declared size, in the declared share, and in the declared direction as far as one is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import calibration
from aiot_anomaly.scoring import direction
from aiot_anomaly.training.corruption import ALONG, BEFORE, corrupt, pace, way
from tests.aiot_anomaly.kinds import VARIANTS, profile, variant
from tests.support.tiny_bundle import normal_windows

PROFILE = variant()
WAY = np.array([0.6, -0.8, 0.0])
STEPS, WIDTH = 12, 3


def injected(seed: int, n: int = 400, *, towards=WAY, pace_=None, **options):
    """(n, 12, 3) what is added to windows near zero."""
    windows = np.full((n, STEPS, WIDTH), 1e-12)
    steady = np.ones((n, STEPS)) if pace_ is None else pace_
    rng = np.random.default_rng(seed)
    return corrupt(PROFILE, windows, steady, np.tile(towards, (n, 1)), rng, **options) - windows


@given(st.integers(0, 2**32))
def test_no_shift_is_against_the_direction_in_the_mean_and_none_is_known_too_well(seed):
    shift = injected(seed, n=600, share=1.0, magnitude=(1.0, 1.001))
    sizes = np.linalg.norm(shift, axis=2).max(axis=1)
    along = (shift @ WAY)[np.arange(600), np.linalg.norm(shift, axis=2).argmax(axis=1)] / sizes
    assert 0 < along.mean() < ALONG
    assert np.quantile(along, 0.02) > -1


def test_without_a_direction_shifts_lie_anywhere():
    shift = injected(1, n=4000, towards=np.zeros(3), share=1.0)[:, -1]
    signs = np.sign(shift[np.abs(shift).max(axis=1) > 1e-6])
    np.testing.assert_allclose(signs.mean(axis=0), 0, atol=0.06)


def test_the_declared_share_of_windows_is_corrupted():
    for share in (0.0, 0.5, 1.0):
        found = (np.abs(injected(1, n=4000, share=share)) > 1e-9).any(axis=(1, 2)).mean()
        assert found == pytest.approx(share, abs=0.03)


def test_shifts_are_between_the_smallest_and_the_largest_size():
    size = np.linalg.norm(injected(1, n=4000, share=1.0, magnitude=(2.0, 3.0)), axis=2).max(axis=1)
    assert size.max() <= 3.0 * np.sqrt(2) + 1e-9, "what is drawn anywhere may add to what is known"
    assert np.quantile(size, 0.25) >= 1.8
    assert 2.2 < np.median(size) < 2.8


def test_a_shift_is_one_unbroken_stretch_that_begins_with_a_part_of_it():
    for window in injected(2, share=1.0):
        size = np.linalg.norm(window, axis=1)
        active = size > 1e-9
        assert np.sum(np.diff(np.concatenate([[0], active, [0]])) == 1) == 1
        np.testing.assert_allclose(size[active][1:], size[active].max())


def test_a_shift_follows_the_pace():
    steady = np.tile(np.linspace(0.5, 2.0, STEPS), (400, 1))
    size = np.linalg.norm(injected(3, share=1.0, repaired=0.0, pace_=steady, magnitude=(1.0, 1.01)), axis=2)
    whole = size[:, 0] > 1e-9
    ratio = size[whole] / steady[whole]
    np.testing.assert_allclose(ratio, np.tile(ratio[:, :1], (1, STEPS)), rtol=1e-6)


def test_some_anomalies_began_before_the_window_some_just_now_and_some_are_repaired_in_it():
    active = np.linalg.norm(injected(3, n=4000, share=1.0), axis=2) > 1e-9
    assert active[:, 0].mean() == pytest.approx(BEFORE + 0.45 / STEPS, abs=0.03)
    assert 0.2 < (~active[:, -1]).mean() < 0.45
    never = np.linalg.norm(injected(3, n=400, share=1.0, repaired=0.0), axis=2) > 1e-9
    assert never[:, -1].all()


def test_an_input_that_is_not_scored_is_not_moved():
    windows = np.random.default_rng(1).normal(size=(50, STEPS, WIDTH))
    windows[:, :, 1] = 0.0
    found = corrupt(PROFILE, windows, np.ones((50, STEPS)), np.zeros((50, 3)), np.random.default_rng(2), share=1.0)
    assert not found[:, :, 1].any()
    assert (found[:, :, 0] != windows[:, :, 0]).any()


def test_the_result_is_clipped_as_the_models_inputs_are_and_the_given_windows_stay():
    windows = np.full((50, STEPS, WIDTH), PROFILE.scoring.clip)
    found = corrupt(PROFILE, windows, np.ones((50, STEPS)), np.tile(WAY, (50, 1)), np.random.default_rng(1), share=1.0)
    assert found.max() <= PROFILE.scoring.clip
    assert (found < PROFILE.scoring.clip).any()
    assert (windows == PROFILE.scoring.clip).all()


@pytest.mark.parametrize(("kind", "season"), VARIANTS)
def test_the_way_is_the_declared_direction_as_the_network_sees_it(kind, season):
    of = variant(kind, season)
    own = calibration.base(of, normal_windows(of))
    found = way(of, own)
    assert np.linalg.norm(found) == pytest.approx(1.0)
    declared = direction(of, own.scale.mean(axis=0))
    seen = declared @ own.whitening[0] if of.scoring.whiten else declared
    np.testing.assert_allclose(found, seen / np.linalg.norm(seen))
    assert not way(profile(), calibration.base(profile(), normal_windows(profile()))).any()


def test_a_constant_shift_weighs_more_where_the_first_directed_sensor_varies_less():
    scale = np.ones((2, 4, WIDTH))
    scale[:, :, 0] = [1.0, 2.0, 4.0, 8.0]
    found = pace(variant(), scale)
    np.testing.assert_allclose(found[0] / found[0, 0], [1.0, 0.5, 0.25, 0.125])
    np.testing.assert_allclose(np.exp(np.log(found).mean(axis=1)), 1.0)
    np.testing.assert_array_equal(pace(profile(), scale), 1.0)


def test_the_same_seed_gives_the_same_anomalies():
    np.testing.assert_array_equal(injected(7), injected(7))
    assert (injected(7) != injected(8)).any()
