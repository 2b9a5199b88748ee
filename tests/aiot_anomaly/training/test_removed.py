"""The scoring of what was removed, from training to ONNX, against its reference in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly import removal, scoring
from aiot_anomaly.calibration import base, complete
from aiot_anomaly.inference import Graph
from aiot_anomaly.training import candidates
from aiot_anomaly.training.export import run_keras, to_onnx
from aiot_anomaly.training.fit import Example, FitConfig, examples, fit, reconstruct
from aiot_anomaly.training.graph import OUTPUTS, carriers, logarithm
from aiot_anomaly.training.network import NetworkConfig
from aiot_anomaly.windows import season_slots
from tests.aiot_anomaly.kinds import meter
from tests.aiot_anomaly.training.meters import device
from tests.aiot_anomaly.training.outputs import outputs

OF = meter()
THRESHOLD = 0.7


@pytest.fixture(scope="module")
def fitted():
    devices = [device(seed) for seed in range(3)]
    train = examples(OF, [d.fitting(0.2) for d in devices])
    held = [Example(d.held_back(0.2), base(OF, d.train())) for d in devices]
    size = NetworkConfig(units=12, code=4, denoise=True, skip=True)
    return fit(OF, train, held, size, FitConfig(epochs=6, batch=16, learning_rate=0.01), progress=False)


@pytest.fixture(scope="module")
def graph(fitted):
    return Graph(to_onnx(OF, fitted.network), OF)


@pytest.fixture(scope="module")
def case(graph):
    """Windows of a consumer that the network does not know, the last ones falsified, and its calibration."""
    known = device(7)
    windows = known.windows.only(known.windows.complete)
    values = windows.values.copy()
    values[-30:] += np.log(0.3) * (np.arange(len(OF.input_names)) > 0)
    return type(windows)(windows.ends, values, windows.complete, windows.out_of_range), complete(
        OF, known.train(), graph.residuals, "v1"
    )


def test_the_network_learns_to_take_falsified_days_away(fitted):
    loss = fitted.history["val_loss"]
    assert min(loss) < 0.8 * loss[0]


def test_the_score_is_that_of_the_reference(fitted, case):
    windows, calibration = case
    z, made = reconstruct(OF, fitted.network, windows, calibration)
    last, whole, row = removal.parts(OF, (z - made) * scoring.mask(OF))
    expected = removal.score(last, whole, calibration.weights, float(calibration.score_scale[0]))
    found = run_keras(OF, fitted.network, windows, calibration, THRESHOLD)
    for name, reference in {"level": last, "residual": whole, "last": row, "score": expected / THRESHOLD}.items():
        np.testing.assert_allclose(found[name], reference, rtol=1e-5, atol=3e-6, err_msg=name)
    assert expected[-20:].min() > np.median(expected[:-30])


def test_onnx_answers_as_keras(fitted, graph, case):
    keras = run_keras(OF, fitted.network, *case, THRESHOLD)
    onnx = outputs(graph, *case, THRESHOLD)
    for name in OUTPUTS:
        np.testing.assert_allclose(onnx[name], keras[name], rtol=1e-5, atol=3e-6, err_msg=name)
    np.testing.assert_allclose(onnx["contributions"], 1.0)


def test_what_is_expected_is_the_last_value_without_what_was_removed(fitted, graph, case):
    windows, calibration = case
    (carrier,) = carriers(OF)
    assert OF.input_names[carrier] == "quarter_3", "the one that is of now"
    _, made = reconstruct(OF, fitted.network, windows, calibration)
    season = season_slots(OF, windows.ends)[:, -1]
    spread = calibration.scale[season, carrier]
    inside = calibration.center[season, carrier] + spread * made[:, -1, carrier]
    log, margin = logarithm(OF, carrier), spread * calibration.band[carrier]
    found = graph.score(windows, calibration)
    for name, by in (("expected", 0), ("lower", -margin), ("upper", margin)):
        np.testing.assert_allclose(getattr(found, name)[:, 0], log.undone(inside + by), rtol=1e-5, err_msg=name)
    assert logarithm(OF, 0) is None


def test_a_pca_and_the_bare_level_are_scored_alike(case):
    windows, calibration = case
    known = examples(OF, [device(1).train()])
    for residuals in (candidates.pca(OF, known, 4), candidates.no_network(OF)):
        own = complete(OF, device(7).train(), residuals, "")
        np.testing.assert_array_equal(own.weights, removal.weights(OF))
        scores = candidates.raw_scores(OF, residuals, windows, own)
        assert scores[-20:].mean() > 1.5 * scores[:-30].mean()
    last, whole, _ = candidates.no_network(OF)(windows, calibration)
    assert (last >= 0).all()
    assert (whole >= 0).all()
