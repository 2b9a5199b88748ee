"""The network: its linear path, and where it begins."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from aiot_anomaly import calibration as calibrations
from aiot_anomaly.inference import Graph
from aiot_anomaly.training.candidates import raw_scores
from aiot_anomaly.training.export import run_keras, to_onnx
from aiot_anomaly.training.network import NetworkConfig, begin_linear, build
from tests.aiot_anomaly.kinds import variant
from tests.support.tiny_bundle import normal_windows

F = 3


def drawn(n: int = 300):
    """Small windows (n, T, F) whose first two inputs move together."""
    rng = np.random.default_rng(0)
    common = 0.3 * rng.normal(size=(n, 1, 1)) * np.array([1.0, 1.0, 0.0])
    return common + 0.03 * rng.normal(size=(n, variant().window.steps, F))


@pytest.mark.parametrize("code", [1, 2, 5])
def test_before_training_it_writes_the_components_of_the_mean(code):
    windows = drawn()
    network = build(variant(), NetworkConfig(units=4, code=code, linear=True))
    begin_linear(network, windows)
    means = (10 * np.tanh(windows / 10)).mean(axis=1)
    ways = np.linalg.svd(means, full_matrices=False)[2][:code]
    expected = np.repeat((means @ ways.T @ ways)[:, None, :], windows.shape[1], axis=1)
    np.testing.assert_allclose(network.predict(windows, verbose=0), expected, atol=1e-5)


def test_what_is_far_out_stays_in_the_residual():
    windows = drawn()
    network = build(variant(), NetworkConfig(units=4, code=1, linear=True))
    begin_linear(network, windows)
    far = np.full((1, windows.shape[1], F), 30.0) * np.array([1.0, 1.0, 0.0])
    assert (far - network.predict(far, verbose=0))[0, :, :2].min() > 15


def test_a_denoiser_has_no_linear_path():
    with pytest.raises(ValidationError, match="network is both linear and denoise; expected at most one"):
        NetworkConfig(linear=True, denoise=True)


@pytest.mark.parametrize("level_weight", [0.0, 0.3])
def test_graph_and_reference_agree_with_a_linear_path_and_a_weighed_level(level_weight):
    of = variant()
    of = of.model_copy(update={"scoring": of.scoring.model_copy(update={"level_weight": level_weight})})
    network = build(of, NetworkConfig(units=4, code=2, linear=True))
    begin_linear(network, drawn())
    windows = normal_windows(of)
    graph = Graph(to_onnx(of, network), of)
    own = calibrations.complete(of, windows, graph.residuals, "v1")
    expected = raw_scores(of, graph.residuals, windows, own)
    np.testing.assert_allclose(graph.score(windows, own).score, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(run_keras(of, network, windows, own, 1.0)["score"], expected, rtol=1e-4, atol=1e-5)
