"""Injected anomalies: in the declared direction, of the declared size, in the declared share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.scoring import direction
from aiot_anomaly.training.corruption import corrupt
from tests.aiot_anomaly.kinds import variant

PROFILE = variant("directed")
SCALE = np.array([1.0, 0.5, 1.0])


def injected(seed: int, n: int = 400, **options):
    """(n, 6, 3) what is added to windows of zeros."""
    windows = np.zeros((n, 6, 3))
    return corrupt(PROFILE, windows, np.tile(SCALE, (n, 1)), np.random.default_rng(seed), **options)


@given(st.integers(0, 2**32))
def test_every_shift_is_in_the_direction_of_an_anomaly(seed):
    shift = injected(seed, n=30)
    assert (shift * np.sign(direction(PROFILE, SCALE)) >= 0).all()


def test_the_declared_share_of_windows_is_corrupted():
    for share in (0.0, 0.5, 1.0):
        found = injected(1, n=4000, share=share).any(axis=(1, 2)).mean()
        assert found == pytest.approx(share, abs=0.03)


def test_shifts_are_between_the_smallest_and_the_largest_size():
    size = np.abs(injected(1, share=1.0, magnitude=(2.0, 3.0)) / direction(PROFILE, SCALE))
    assert size[size > 0].min() >= 2.0 * 0.2
    assert size.max() <= 3.0 * 1.8
    assert size.max() > 3.0, "sensors answer with an uncertain part"


def test_a_shift_is_one_unbroken_stretch_of_constant_size():
    for window in injected(2, share=1.0):
        active = window[:, 0] != 0
        assert np.sum(np.diff(np.concatenate([[0], active, [0]])) == 1) == 1
        assert len(np.unique(window[active], axis=0)) == 1


def test_some_anomalies_began_before_the_window_and_some_are_repaired_in_it():
    active = injected(3, n=4000, share=1.0)[:, :, 0] != 0
    assert active[:, 0].mean() == pytest.approx(0.5 + 0.5 / 6, abs=0.03)
    assert 0.1 < (~active[:, -1]).mean() < 0.3
    never = injected(3, n=400, share=1.0, repaired=0.0)[:, :, 0] != 0
    assert never[:, -1].all()


def test_each_window_is_moved_by_the_scale_of_its_own_device():
    windows = np.zeros((2000, 6, 3))
    scale = np.where(np.arange(2000)[:, None] % 2, SCALE, 10 * SCALE)
    shift = np.abs(corrupt(PROFILE, windows, scale, np.random.default_rng(1), share=1.0, magnitude=(1.0, 1.01)))
    small, large = (shift[k::2].max(axis=(0, 1)) for k in (0, 1))
    np.testing.assert_allclose(large / small, 10, rtol=0.1)


def test_the_result_is_clipped_as_the_models_inputs_are_and_the_given_windows_stay():
    windows = np.full((50, 6, 3), PROFILE.scoring.clip)
    found = corrupt(PROFILE, windows, np.tile(SCALE, (50, 1)), np.random.default_rng(1), share=1.0)
    assert found.max() <= PROFILE.scoring.clip
    assert (found < PROFILE.scoring.clip).any()
    assert (windows == PROFILE.scoring.clip).all()


def test_the_same_seed_gives_the_same_anomalies():
    np.testing.assert_array_equal(injected(7), injected(7))
    assert (injected(7) != injected(8)).any()
