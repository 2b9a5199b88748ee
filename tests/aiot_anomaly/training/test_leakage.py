"""What the network is judged by knows neither the future, nor labels, nor what is tested; of baselines see theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly.inference import Graph
from aiot_anomaly.training import candidates, judging
from aiot_anomaly.training.benchmark.learning import learn
from aiot_anomaly.training.dataset import Dataset, prepare
from aiot_anomaly.training.fit import examples
from tests.aiot_anomaly.training import hourly
from tests.aiot_anomaly.training.hourly import HOUR, START, TRAIN_D

TRAIN = 24 * TRAIN_D
SHARE = 0.25
NOW = TRAIN + 5 * 24 + 7
KINDS = {"whitened": hourly.profile("up", whiten=True), "two_sided": hourly.profile("both", season="none")}
PARAMETERS = {"held_back": SHARE, "epochs": 1, "units": 4, "code": 2, "most_windows": 200}


@pytest.fixture(scope="module", params=list(KINDS))
def case(request):
    of = KINDS[request.param]
    graph = learn(data(of), {**PARAMETERS, "denoise": request.param == "whitened"}, seed=0, progress=False)
    assert isinstance(graph, Graph)
    return of, graph


def data(of, values=None, labels=None) -> Dataset:
    return hourly.dataset(of, hourly.device(of, hourly.usual(hourly.grid()) if values is None else values, labels))


def scores(of, graph, dataset):
    """Threshold, and the raw scores of the test part."""
    judge = candidates.by_residuals(of, graph.residuals)
    value, held_back = judging.threshold(dataset, judge, SHARE)
    return value, held_back, judging.score_test(dataset, judge, 1.0)[0].scores


def shuffled(values, start, seed=0):
    """The rows from `start` on in another order, and stranger than before."""
    changed = values.copy()
    changed[start:] = np.random.default_rng(seed).permutation(values[start:]) * 1.5
    return changed


def test_shuffling_the_future_changes_no_score_of_the_past(case):
    of, graph = case
    values = hourly.usual(hourly.grid())
    before, after = (scores(of, graph, data(of, v))[2] for v in (values, shuffled(values, NOW + 1)))
    past = NOW + 1 - TRAIN
    np.testing.assert_array_equal(after[:past], before[:past])
    assert (after[past + 1 :] != before[past + 1 :]).any()


def test_calibration_scaler_and_threshold_see_no_test_row(case):
    of, graph = case
    values = hourly.usual(hourly.grid())
    one, other = data(of, values), data(of, shuffled(values, TRAIN))
    own, same = (candidates.calibrate(of, d.devices[0], graph.residuals) for d in (one, other))
    for name, array in vars(own).items():
        np.testing.assert_array_equal(array, vars(same)[name], err_msg=name)
    found, expected = scores(of, graph, other), scores(of, graph, one)
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_the_threshold_and_the_fit_see_no_held_back_row_in_their_calibration(case):
    of, _ = case
    values = hourly.usual(hourly.grid())
    held_back = round(TRAIN * (1 - SHARE)) + 24
    other = values.copy()
    other[held_back:TRAIN] *= 1.5
    one, changed = (examples(of, [data(of, v).devices[0].fitting(SHARE)]) for v in (values, other))
    for before, after in zip(one, changed, strict=True):
        np.testing.assert_array_equal(before.windows.values, after.windows.values)
        np.testing.assert_array_equal(before.calibration.center, after.calibration.center)
        np.testing.assert_array_equal(before.calibration.scale, after.calibration.scale)
        np.testing.assert_array_equal(before.calibration.whitening, after.calibration.whitening)


def test_labels_of_the_test_part_change_no_score_no_threshold_and_no_network(case):
    of, graph = case
    labels = np.zeros(len(hourly.grid()), dtype=bool)
    labels[NOW:] = True
    plain, labelled = data(of), data(of, labels=labels)
    found, expected = scores(of, graph, labelled), scores(of, graph, plain)
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[2], expected[2])
    parameters = {**PARAMETERS, "denoise": of.scoring.whiten}
    again = learn(labelled, parameters, seed=0, progress=False)
    np.testing.assert_allclose(scores(of, again, plain)[2], expected[2], rtol=1e-4, atol=1e-6)


def test_labels_change_no_score_of_a_baseline():
    of, labels = KINDS["whitened"], np.zeros(len(hourly.grid()), dtype=bool)
    labels[NOW:] = True
    plain, labelled = data(of), data(of, labels=labels)
    learned = examples(of, [plain.devices[0].fitting(SHARE)])
    for name, baseline in candidates.beside(of, learned, components=4).items():
        one, other = (judging.score_baseline(d, baseline, SHARE)[0] for d in (plain, labelled))
        np.testing.assert_array_equal(one.scores, other.scores, err_msg=name)
        assert (one.labels != other.labels).any()


def test_the_position_of_a_row_is_in_no_score(case):
    """A series that begins a week later has the same scores, a week later."""
    of, graph = case
    device = data(of).devices[0]
    week = 7 * 86_400
    recording = replace(device.recording, timestamps=device.recording.timestamps + week)
    moved = Dataset(of, (prepare(of, recording),), "", "", True)
    np.testing.assert_allclose(scores(of, graph, moved)[2], scores(of, graph, data(of))[2], rtol=1e-5, atol=1e-7)
    assert moved.devices[0].train_until == START + week + (TRAIN - 1) * HOUR
