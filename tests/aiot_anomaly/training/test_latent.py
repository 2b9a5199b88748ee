"""The code layer, seen from outside."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.calibration import base
from aiot_anomaly.training import latent
from aiot_anomaly.training.fit import reconstruct
from aiot_anomaly.training.network import NetworkConfig, build
from tests.aiot_anomaly.kinds import document, profile, variant
from tests.support.tiny_bundle import normal_windows


@pytest.fixture(scope="module", params=["none", "hour_of_week"])
def case(request):
    of = variant("two_sided", request.param)
    parts = [(w, base(of, w)) for w in (normal_windows(of, seed=1), normal_windows(of, seed=2))]
    return of, build(of, NetworkConfig(units=4, code=3)), parts


def test_there_is_a_code_for_each_window_of_each_device(case, monkeypatch):
    of, network, parts = case
    whole = latent.codes(of, network, parts)
    assert whole.shape == (sum(len(w) for w, _ in parts), 3)
    monkeypatch.setattr(latent, "_BLOCK", 7)
    np.testing.assert_allclose(latent.codes(of, network, parts), whole, atol=1e-6)


def test_what_is_not_written_is_the_share_of_what_was_given(case):
    of, network, parts = case
    found = latent.unexplained(of, network, parts)
    for row, (windows, calibration) in zip(found, parts, strict=True):
        given, made = reconstruct(of, network, windows, calibration)
        expected = np.mean((given - made) ** 2, axis=(0, 1)) / np.mean(given**2, axis=(0, 1))
        np.testing.assert_allclose(row, expected[list(of.scored_inputs)], rtol=1e-4)


def test_only_scored_inputs_are_told():
    sensors = document()["sensors"]
    sensors[0]["score_level"] = False
    of = profile(sensors=sensors)
    windows = normal_windows(of)
    network = build(of, NetworkConfig(units=4, code=2))
    assert latent.unexplained(of, network, [(windows, base(of, windows))]).shape == (1, 2)


def test_later_codes_far_from_the_normal_ones_are_outside_and_the_same_ones_are_not():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(2000, 4)) * [3.0, 2.0, 0.1, 0.1]
    assert latent.project(normal, normal).outside == pytest.approx(0.01, abs=0.002)
    found = latent.project(normal, normal + np.array([40.0, 0, 0, 0]))
    assert found.outside == 1.0
    assert found.explained.sum() > 0.99
    assert found.normal.shape == found.later.shape == (2000, 2)


def test_a_code_of_one_number_lies_on_a_line_and_nothing_later_is_nowhere():
    found = latent.project(np.arange(10.0)[:, None], np.empty((0, 1)))
    assert found.normal.shape == (10, 2)
    assert not found.normal[:, 1].any()
    assert np.isnan(found.outside)


def test_windows_are_thinned_evenly():
    windows = normal_windows(variant())
    kept = latent.thin([windows, windows], 60)
    assert sum(len(w) for w in kept) <= 60
    assert len(kept[0]) == len(kept[1]) > 20
