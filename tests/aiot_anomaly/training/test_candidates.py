"""Candidates share calibration, score and threshold, and none of them has seen what it is tested on."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly import scoring
from aiot_anomaly.training import candidates
from aiot_anomaly.training import dataset as datasets
from aiot_anomaly.training.evaluation import by_row
from aiot_anomaly.training.fit import examples, standard, standardise
from tests.aiot_anomaly.kinds import variant
from tests.aiot_anomaly.training import fleets
from tests.aiot_anomaly.training.fleets import Event

SHARE = 0.3
KINDS = ("two_sided", "whitened")


def load(tmp_path, of, **options):
    return datasets.load(of, str(fleets.write(tmp_path, of, {"a": 1, "b": 2}, event=Event(40, 80), **options)))


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    of = variant(request.param)
    return of, load(tmp_path_factory.mktemp("fleet"), of)


def test_the_threshold_is_the_quantile_of_the_held_back_scores_times_the_margin(case):
    of, data = case
    value, scores = candidates.threshold(data, candidates.no_network(of), SHARE)
    assert len(scores) == sum(len(d.held_back(SHARE)) for d in data.pooled())
    assert value == pytest.approx(np.quantile(scores, of.threshold.quantile) * of.threshold.margin)


def test_test_rows_change_nothing_of_the_threshold(case, tmp_path):
    of, data = case
    other = load(tmp_path, of, test_offset=-35.0)
    value, scores = candidates.threshold(data, candidates.no_network(of), SHARE)
    same, same_scores = candidates.threshold(other, candidates.no_network(of), SHARE)
    assert same == value
    np.testing.assert_array_equal(same_scores, scores)
    before, after = (candidates.score_test(d, candidates.no_network(of), value) for d in (data, other))
    assert any((a.scores != b.scores).any() for a, b in zip(before, after, strict=True))


def test_held_back_rows_do_change_the_threshold(case):
    of, data = case
    shifted = []
    for device in data.devices:
        windows = device.windows
        values = windows.values.copy()
        values[np.isin(windows.ends, device.held_back(SHARE).ends)] += [2.0, -1.0, 0.0]
        moved = type(windows)(**{**vars(windows), "values": values})
        shifted.append(type(device)(**{**vars(device), "windows": moved}))
    other = type(data)(**{**vars(data), "devices": tuple(shifted)})
    residuals = candidates.no_network(of)
    assert candidates.threshold(other, residuals, SHARE)[0] > 1.2 * candidates.threshold(data, residuals, SHARE)[0]


def test_a_device_that_is_not_pooled_changes_nothing_of_the_threshold(case):
    of, data = case
    a, b = data.devices
    apart = type(data)(**{**vars(data), "devices": (a, type(b)(**{**vars(b), "pooled": False}))})
    alone = type(data)(**{**vars(data), "devices": (a,)})
    residuals = candidates.no_network(of)
    assert candidates.threshold(apart, residuals, SHARE)[0] == candidates.threshold(alone, residuals, SHARE)[0]


def test_an_anomaly_of_twenty_deviations_is_found(case):
    of, data = case
    residuals = candidates.no_network(of)
    value, _ = candidates.threshold(data, residuals, SHARE)
    scored = candidates.score_test(data, residuals, value)
    assert [s.device_id for s in scored] == ["a", "b"]
    assert by_row(scored)["auc_roc"] > 0.9
    for s, device in zip(scored, data.monitored(), strict=True):
        windows, labels = device.test()
        np.testing.assert_array_equal(np.isnan(s.scores), ~windows.complete)
        np.testing.assert_array_equal(s.labels, labels)
        assert s.scores[labels].max() > 1


def test_a_given_calibration_is_used(case):
    of, data = case
    residuals = candidates.no_network(of)
    own = {d.device_id: candidates.calibrate(of, d, residuals) for d in data.monitored()}
    by_default, same = (candidates.score_test(data, residuals, 2.0, c) for c in (None, own))
    np.testing.assert_array_equal(by_default[0].scores, same[0].scores)
    swapped = candidates.score_test(data, residuals, 2.0, {"a": own["b"]})
    assert (swapped[0].scores != same[0].scores).any()
    np.testing.assert_array_equal(swapped[1].scores, same[1].scores)


def test_without_a_network_only_the_level_is_scored(case):
    of, data = case
    windows = data.devices[0].train()
    calibration = candidates.calibrate(of, data.devices[0], candidates.no_network(of))
    level, residual, last = candidates.no_network(of)(windows, calibration)
    z = standardise(of, windows, calibration)
    np.testing.assert_array_equal(level, z[:, -of.scoring.last_steps :].mean(axis=1))
    np.testing.assert_array_equal(last, standard(of, z[:, -1], calibration))
    np.testing.assert_array_equal(residual, level)  # nothing is explained
    expected = np.sqrt(1 + of.scoring.level_weight) * np.sqrt(
        scoring.distance(level, calibration.weights[0]) / calibration.score_scale[0]
    )
    found = candidates.raw_scores(of, candidates.no_network(of), windows, calibration)
    np.testing.assert_allclose(found, expected)


def test_pca_with_all_components_leaves_no_residual_and_with_few_it_does(case):
    of, data = case
    learned = examples(of, [d.train() for d in data.devices])
    windows, calibration = learned[0].windows, learned[0].calibration
    width = of.window.steps * len(of.input_names)
    level, residual, last = candidates.pca(of, learned, components=width)(windows, calibration)
    np.testing.assert_allclose(residual, 0, atol=1e-9)
    np.testing.assert_allclose(last, 0, atol=1e-9)
    np.testing.assert_array_equal(level, candidates.no_network(of)(windows, calibration)[0])
    _, coarse, _ = candidates.pca(of, learned, components=2)(windows, calibration)
    assert np.abs(coarse).mean() > 0.05
