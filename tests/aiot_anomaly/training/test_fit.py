"""Training: the loss falls, a seed repeats it, and nothing to train on is said."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training.fit import FitConfig, examples, fit, reconstruct, standardise
from aiot_anomaly.training.network import NetworkConfig
from tests.aiot_anomaly.kinds import variant
from tests.support.tiny_bundle import normal_windows

SIZE = {"units": 6, "code": 3}


def train(of, seed=0, *, denoise=False, epochs=2):
    parts = [normal_windows(of, seed=s) for s in (1, 2)]
    held_back = examples(of, [normal_windows(of, seed=3)])
    config = FitConfig(epochs=epochs, batch=16, learning_rate=0.01, seed=seed)
    return fit(of, examples(of, parts), held_back, NetworkConfig(**SIZE, denoise=denoise), config, progress=False)


@pytest.fixture(scope="module")
def fitted():
    return train(variant())


@pytest.fixture(scope="module")
def denoising():
    return train(variant("whitened", "hour_of_week"), denoise=True, epochs=16)


def test_the_loss_falls_on_what_it_learns_from_and_on_what_is_held_back(fitted):
    history = fitted.history
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    assert min(history["val_loss"]) < history["val_loss"][0]
    assert len(history["loss"]) == len(history["val_loss"]) == 2


def test_the_loss_of_a_denoiser_falls_though_each_epoch_has_anomalies_of_its_own(denoising):
    loss, val_loss = denoising.history["loss"], denoising.history["val_loss"]
    # a few large ones more or less of 240 windows move an epoch's loss by a third; the held-back ones stay the same
    assert np.mean(loss[8:]) < np.mean(loss[:8])
    assert min(val_loss) < 0.8 * val_loss[0]
    assert len(loss) == len(val_loss) == 16


def test_the_same_seed_gives_the_same_weights(fitted):
    again = train(variant())
    for a, b in zip(fitted.network.get_weights(), again.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.history == fitted.history


def test_the_weights_of_the_best_epoch_are_kept(fitted):
    of = variant()
    held_back = examples(of, [normal_windows(of, seed=3)])
    errors = []
    for example in held_back:
        z, found = reconstruct(of, fitted.network, example.windows, example.calibration)
        errors.append((z - found) ** 2)
    assert np.concatenate(errors).mean() == pytest.approx(min(fitted.history["val_loss"]), rel=1e-4)


def test_the_network_carries_no_optimizer(fitted):
    assert getattr(fitted.network, "optimizer", None) is None


def test_nothing_to_train_on_is_said():
    of = variant()
    none = normal_windows(of)
    none = none.only(np.zeros(len(none), dtype=bool))
    with pytest.raises(TrainingError, match="no complete window to train on: give longer recordings"):
        fit(of, [], [], NetworkConfig(**SIZE), FitConfig(), progress=False)
    example = examples(of, [normal_windows(of)])[0]
    empty = type(example)(none, example.calibration)
    with pytest.raises(TrainingError, match="no complete window"):
        fit(of, [empty], [empty], NetworkConfig(**SIZE), FitConfig(), progress=False)


def test_standardised_inputs_have_no_level_unit_spread_and_are_clipped():
    of = variant()
    example = examples(of, [normal_windows(of)])[0]
    z = standardise(of, example.windows, example.calibration)
    np.testing.assert_allclose(z[:, -1].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(z[:, -1].std(axis=0), 1, rtol=1e-9)
    far = type(example.windows)(**{**vars(example.windows), "values": example.windows.values + 1e6})
    np.testing.assert_array_equal(standardise(of, far, example.calibration), np.full_like(z, 10.0))
