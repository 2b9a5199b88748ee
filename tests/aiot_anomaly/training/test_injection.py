"""Injected deviations: what is moved, and what a model answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly.calibration import complete
from aiot_anomaly.inference import Graph
from aiot_anomaly.training import injection
from tests.aiot_anomaly.kinds import document, profile, variant
from tests.support.tiny_bundle import normal_windows, tiny_profile

OF = tiny_profile()


@pytest.fixture(scope="module")
def graph(bundle_folder: Path) -> Graph:
    return Graph(bundle_folder / bundles.MODEL, OF)


@pytest.fixture(scope="module")
def parts(graph):
    fitted = complete(OF, normal_windows(OF, seed=1), graph.residuals, "")
    return [(normal_windows(OF, seed=2), fitted), (normal_windows(OF, seed=3), fitted)]


def test_one_sensor_moves_alone_in_its_direction_and_its_unit():
    down = variant()
    assert injection.alone(OF, 1, 4.0).tolist() == [0.0, 2.0]
    assert injection.alone(down, 1, 4.0).tolist() == [0.0, -2.0]
    assert injection.together(down, 2.0).tolist() == [2.0, -1.0]
    assert injection.together(OF, 2.0).tolist() == [0.0, 0.0]


def test_a_shift_that_began_before_the_window_changes_no_derived_change():
    windows = normal_windows(OF)
    moved = injection.moved(OF, windows, np.array([3.0, 0.0])).values - windows.values
    np.testing.assert_allclose(moved, np.broadcast_to([3.0, 0.0, 0.0], moved.shape))


def test_a_sensor_that_is_judged_by_its_change_alone_moves_in_that():
    sensors = document()["sensors"]
    sensors[0]["score_level"] = False
    of = profile(sensors=sensors)
    windows = normal_windows(of)
    moved = injection.moved(of, windows, np.array([3.0, 0.0])).values - windows.values
    np.testing.assert_allclose(moved, np.broadcast_to([3.0, 0.0, 3.0], moved.shape))


def test_larger_deviations_score_higher_and_the_right_sensor_is_blamed(graph, parts):
    found = injection.response(OF, graph, parts)
    assert found.gain.shape == (2, len(injection.SIZES))
    # up to where inputs are clipped
    assert (np.diff(found.gain[:, 1:4], axis=1) > 0).all()
    assert (np.diff(found.gain[:, 4:], axis=1) >= 0).all()
    assert (found.gain[:, -1] > 1).all()
    assert (found.blame.argmax(axis=1) == [0, 1]).all()
    np.testing.assert_allclose(found.blame.sum(axis=1), 1.0, rtol=1e-5)
    assert np.isin(found.seen_from(), injection.SIZES).all()


def test_a_sensor_whose_deviations_are_never_seen_has_no_size():
    found = injection.Response(np.array([1.0, 2.0]), np.array([[0.5, 1.5], [0.9, 1.0]]), np.eye(2))
    np.testing.assert_array_equal(found.seen_from(), [2.0, np.nan])


@pytest.mark.parametrize("most", [20, 100_000])
def test_every_device_keeps_some_windows_and_the_work_is_bounded(parts, monkeypatch, most):
    monkeypatch.setattr(injection, "MOST_MOVED", most)
    kept = injection.thinned(parts, OF)
    assert len(kept) == 2
    assert sum(len(w) for w, _ in kept) <= max(10, min(most // 2, injection.MOST_WINDOWS)) + 2
    assert injection.thinned([], OF) == []


def test_scores_of_injected_deviations_are_raw_and_of_each_sensor_alone(graph, parts):
    few = injection.thinned(parts, OF)
    found = injection.injected_scores(OF, graph, parts)
    assert list(found) == list(injection.SIZES)
    assert all(len(scores) == 2 * sum(len(w) for w, _ in few) for scores in found.values())
    assert np.median(found[16.0]) > np.median(found[0.5])
