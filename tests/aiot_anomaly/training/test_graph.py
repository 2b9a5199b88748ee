"""The graph against its reference in numpy, and ONNX against Keras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import scoring
from aiot_anomaly.calibration import Calibration, complete
from aiot_anomaly.inference import Graph
from aiot_anomaly.profile import Profile
from aiot_anomaly.training.export import converted, run_keras, to_onnx
from aiot_anomaly.training.fit import reconstruct, standard
from aiot_anomaly.training.graph import OUTPUTS, carriers, signature
from aiot_anomaly.training.network import NetworkConfig, build, clock_table
from aiot_anomaly.windows import Windows, season_slots
from tests.aiot_anomaly.kinds import VARIANTS, document, profile, variant
from tests.aiot_anomaly.training.outputs import outputs
from tests.support.tiny_bundle import START, normal_windows

THRESHOLD = 1.7


@dataclass
class Case:
    profile: Profile
    network: Any
    model: bytes
    graph: Graph
    calibration: Calibration
    windows: Windows

    @cached_property
    def keras(self) -> dict[str, Any]:
        return run_keras(self.profile, self.network, self.windows, self.calibration, THRESHOLD)


def make(of: Profile) -> Case:
    import keras

    keras.utils.set_random_seed(3)
    network = build(of, NetworkConfig(units=4, code=2))
    model = to_onnx(of, network)
    graph = Graph(model, of)
    calibration = complete(of, normal_windows(of), graph.residuals, "v1")
    # over a week, from calm to clearly anomalous
    ends = START + 4 * 3600 * np.arange(60)
    values = bundles.golden_values(of, calibration, season_slots(of, ends), seed=1)
    return Case(
        of,
        network,
        model,
        graph,
        calibration,
        Windows(ends, values, np.ones(60, dtype=bool), np.zeros((60, 2), dtype=bool)),
    )


@pytest.fixture(scope="module", params=VARIANTS, ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    return make(variant(*request.param))


def parts(case: Case):
    """Level, residual and last residual in numpy, from what the network makes of the windows."""
    z, reconstructed = reconstruct(case.profile, case.network, case.windows, case.calibration)
    difference = (z - reconstructed) * scoring.mask(case.profile)
    last = case.profile.scoring.last_steps
    of_last = standard(case.profile, difference[:, -1], case.calibration)
    return z[:, -last:].mean(axis=1), difference[:, -last:].mean(axis=1), of_last


def test_level_and_residual_are_those_of_the_reference(case):
    found = case.keras
    for name, expected in zip(("level", "residual", "last"), parts(case), strict=True):
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=2e-6, err_msg=name)


def test_the_score_is_that_of_the_reference(case):
    level, residual, _ = parts(case)
    weights, scales = case.calibration.weights, case.calibration.score_scale
    expected = scoring.two_sided(level, residual, weights, scales)
    assert (expected > 0).sum() > 20
    np.testing.assert_allclose(case.keras["score"], expected / THRESHOLD, rtol=1e-5, atol=2e-6)


def test_contributions_are_the_sensors_parts_of_the_score(case):
    level, residual, _ = parts(case)
    weights, scales = case.calibration.weights, case.calibration.score_scale
    rows = zip((level, residual), weights, scales, strict=True)
    each = sum(np.abs(x * (x @ precision)) / scale for x, precision, scale in rows)
    # the change of the flow is the flow's
    sensors = np.stack([each[:, 0] + each[:, 2], each[:, 1]], axis=1)
    expected = sensors / sensors.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(case.keras["contributions"], expected, rtol=1e-4, atol=1e-5)


def test_what_is_expected_is_the_reconstruction_in_the_sensors_unit(case):
    _, reconstructed = reconstruct(case.profile, case.network, case.windows, case.calibration)
    season = season_slots(case.profile, case.windows.ends)[:, -1]
    level, scale = case.calibration.center[season], case.calibration.scale[season]
    clean = standard(case.profile, reconstructed[:, -1], case.calibration)
    found = case.keras
    np.testing.assert_allclose(found["expected"], (level + scale * clean)[:, :2], rtol=1e-5)
    margin = (scale * case.calibration.band)[:, :2]
    np.testing.assert_allclose(found["upper"] - found["expected"], margin, rtol=1e-5)
    np.testing.assert_allclose(found["expected"] - found["lower"], margin, rtol=1e-5)


def test_onnx_answers_as_keras(case):
    keras, onnx = case.keras, outputs(case.graph, case.windows, case.calibration, THRESHOLD)
    for name in OUTPUTS:
        np.testing.assert_allclose(onnx[name], keras[name], rtol=1e-5, atol=2e-6, err_msg=name)


def test_onnx_answers_one_window_as_it_answers_many(case):
    many = case.graph.score(case.windows, case.calibration, THRESHOLD)
    for i in (0, 30, 59):
        one = case.graph.score(case.windows.only(np.arange(60) == i), case.calibration, THRESHOLD)
        np.testing.assert_allclose(one.score, many.score[[i]], rtol=1e-5, atol=1e-6)


def test_inputs_beyond_the_clip_are_all_alike(case):
    far, farther = (replace(case.windows, values=case.windows.values + by) for by in (1e5, 1e7))
    one, other = (case.graph.score(w, case.calibration) for w in (far, farther))
    np.testing.assert_array_equal(one.score, other.score)
    level, _, _ = case.graph.residuals(case.windows, case.calibration)
    assert np.abs(level).max() <= case.profile.scoring.clip


def test_the_graph_has_none_of_the_nodes_that_the_converter_adds(case):
    """Shapes are known at export, and an LSTM starts from zeros without being told so."""
    import onnx

    nodes = onnx.load_from_string(case.model).graph.node
    assert not [n.name for n in nodes if n.op_type in {"Shape", "Expand", "Identity"}]
    lstm = [n for n in nodes if n.op_type == "LSTM"]
    assert len(lstm) == 2
    assert not [i for n in lstm for i in n.input[5:] if i]


def test_an_lstm_keeps_a_state_that_it_is_given():
    """Only zeros can be left out."""
    import keras
    import onnxruntime as ort
    import tensorflow as tf

    start = np.full((1, 2), 0.5, np.float32)
    layer = keras.layers.LSTM(2)
    layer.build((None, 4, 3))

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 3), tf.float32)])
    def function(x):
        state = tf.tile(start, [tf.shape(x)[0], 1])
        return layer(x, initial_state=[state, state])

    model = converted(function, function.input_signature, ["y"])
    x = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    (found,) = ort.InferenceSession(model.SerializeToString()).run(["y"], {model.graph.input[0].name: x})
    np.testing.assert_allclose(found, function(tf.constant(x)), rtol=1e-5)


def test_outputs_keep_their_names_and_the_model_its_profiles_title(case):
    import onnx

    model = onnx.load_from_string(case.model)
    assert tuple(o.name for o in model.graph.output) == OUTPUTS
    named = {s.name for s in signature(case.profile)}
    assert {i.name for i in model.graph.input} <= named
    assert {"values", "threshold", "center", "scale", "weights", "score_scale", "band"} <= named
    assert ("whitening" in named) == case.profile.scoring.whiten
    assert case.profile.title in model.doc_string


def test_a_sensor_whose_level_drifts_is_not_scored_by_it_and_expected_through_its_change():
    sensors = document()["sensors"]
    sensors[0]["score_level"] = False
    case = make(profile(sensors=sensors))
    assert carriers(case.profile) == [2, 1]
    drifted = case.windows.values.copy()
    drifted[:, :, 0] += 17.0
    before = case.graph.score(case.windows, case.calibration)
    after = case.graph.score(replace(case.windows, values=drifted), case.calibration)
    np.testing.assert_array_equal(after.score, before.score)
    np.testing.assert_allclose(after.expected[:, 0], before.expected[:, 0] + 17.0, rtol=1e-9)
    np.testing.assert_array_equal(after.expected[:, 1], before.expected[:, 1])


def test_the_clock_is_a_circle_of_hours_and_a_flag_for_weekends():
    table = clock_table(variant(season="hour_of_week"))
    assert table.shape == (48, 3)
    np.testing.assert_allclose(table[:, 0] ** 2 + table[:, 1] ** 2, 1.0)
    np.testing.assert_array_equal(table[:24, :2], table[24:, :2])
    np.testing.assert_array_equal(table[:, 2], np.repeat([0, 1], 24))
    assert clock_table(variant(season="none")).shape == (1, 0)


def test_an_untrained_denoising_network_takes_nothing_away():
    of = variant("whitened", "hour_of_week")
    network = build(of, NetworkConfig(units=4, code=2, denoise=True))
    z = np.random.default_rng(0).normal(size=(5, of.window.steps, 3)).astype(np.float32)
    clock = clock_table(of)[np.zeros((5, of.window.steps), dtype=int)]
    np.testing.assert_array_equal(network.predict([z, clock], verbose=0), z)
