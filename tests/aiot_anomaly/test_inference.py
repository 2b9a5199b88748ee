"""The graph with ONNX Runtime: no windows, many windows, and a calibration for each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly import inference
from aiot_anomaly.inference import Graph
from tests.support.tiny_bundle import normal_windows

RESIDUALS = ("level", "residual", "last")


@pytest.fixture(scope="module")
def windows(tiny):
    return normal_windows(tiny.profile, seed=5)


def assert_alike(found, expected):
    for name, array in expected._asdict().items():
        np.testing.assert_allclose(getattr(found, name), array, rtol=1e-5, atol=1e-6, err_msg=name)


def test_no_windows_give_no_scores_in_the_right_shapes(tiny, windows):
    none = tiny.graph.score(windows.only(np.zeros(len(windows), dtype=bool)), tiny.bundle.fleet)
    assert none.score.shape == (0,)
    assert none.contributions.shape == none.expected.shape == none.lower.shape == none.upper.shape == (0, 2)
    nothing = tiny.graph.residuals(windows.only(np.zeros(len(windows), dtype=bool)), tiny.bundle.fleet)
    assert [part.shape for part in nothing] == [(0, 3)] * 3


def test_answers_have_a_row_for_each_window_and_are_finite(tiny, windows):
    scores, residuals = (of(windows, tiny.bundle.fleet) for of in (tiny.graph.score, tiny.graph.residuals))
    n = len(windows)
    for name, array in (*scores._asdict().items(), *zip(RESIDUALS, residuals, strict=True)):
        assert array.shape == ((n,) if name == "score" else (n, 3 if name in RESIDUALS else 2))
        assert array.dtype == np.float64
        assert np.isfinite(array).all()


def test_scores_are_not_negative_and_shares_sum_to_1(tiny, windows):
    scores = tiny.graph.score(windows, tiny.bundle.fleet)
    assert (scores.score >= 0).all()
    assert (scores.contributions >= 0).all()
    np.testing.assert_allclose(scores.contributions.sum(axis=1), 1.0, rtol=1e-5)


def test_what_is_expected_lies_within_its_band(tiny, windows):
    scores = tiny.graph.score(windows, tiny.bundle.fleet)
    assert (scores.lower < scores.expected).all()
    assert (scores.expected < scores.upper).all()


def test_batches_change_nothing(tiny, windows, monkeypatch):
    whole = tiny.graph.score(windows, tiny.bundle.fleet)
    each = [tiny.bundle.fleet, tiny.bundle.devices["device-1"]] * len(windows)
    mixed = tiny.graph.score(windows, each[: len(windows)])
    monkeypatch.setattr(inference, "BATCH", 7)
    assert_alike(tiny.graph.score(windows, tiny.bundle.fleet), whole)
    assert_alike(tiny.graph.score(windows, each[: len(windows)]), mixed)


def test_each_window_is_judged_by_its_own_calibration(tiny, windows):
    fleet, own = tiny.bundle.fleet, tiny.bundle.devices["device-1"]
    both = tiny.graph.score(windows, [fleet if i % 2 else own for i in range(len(windows))])
    odd = np.arange(len(windows)) % 2 == 1
    np.testing.assert_allclose(both.score[odd], tiny.graph.score(windows.only(odd), fleet).score, rtol=1e-5)
    np.testing.assert_allclose(both.score[~odd], tiny.graph.score(windows.only(~odd), own).score, rtol=1e-5)


def test_a_threshold_divides_the_score(tiny, windows):
    one = tiny.graph.score(windows, tiny.bundle.fleet, 1.0)
    four = tiny.graph.score(windows, tiny.bundle.fleet, 4.0)
    np.testing.assert_allclose(four.score * 4, one.score, rtol=1e-6)
    np.testing.assert_array_equal(four.expected, one.expected)


def test_a_small_change_of_a_large_value_is_seen(tiny, windows):
    """Levels are subtracted in double precision: a meter's count of 1e9 keeps its litres."""
    fleet = tiny.bundle.fleet
    far = replace(fleet, center=fleet.center + 1e9)
    moved = replace(windows, values=windows.values + 1e9)
    near_scores, far_scores = (tiny.graph.score(w, c).score for w, c in ((windows, fleet), (moved, far)))
    np.testing.assert_allclose(far_scores, near_scores, rtol=1e-4)


def test_what_stays_in_memory_does_not_show(tiny, windows):
    """Whatever was asked before, of how many windows and with whose calibration: each answer is the first one's."""
    fleet, own = tiny.bundle.fleet, tiny.bundle.devices["device-1"]
    new, asked = Graph((tiny.bundle.folder / "model.onnx").read_bytes(), tiny.profile), np.random.default_rng(7)
    for _ in range(60):
        which = asked.integers(len(windows), size=asked.choice([1, 1, 2, 5, 64]))
        calibrations = [(fleet, own)[i] for i in asked.integers(2, size=len(which))]
        threshold = 1.0 + asked.integers(3) if asked.integers(2) else 1.0 + asked.random(len(which))
        once = Graph((tiny.bundle.folder / "model.onnx").read_bytes(), tiny.profile)
        found, expected = (g.score(windows.only(which), calibrations, threshold) for g in (new, once))
        for name, array in expected._asdict().items():
            np.testing.assert_array_equal(getattr(found, name), array, err_msg=name)


def test_an_answer_is_the_callers_own(tiny, windows):
    first = tiny.graph.score(windows.only(np.arange(1)), tiny.bundle.fleet)
    kept = first.score.copy()
    tiny.graph.score(windows.only(np.arange(1, 2)), tiny.bundle.fleet)
    np.testing.assert_array_equal(first.score, kept)


def test_threads_do_not_write_into_each_others_windows(tiny, windows):
    expected = tiny.graph.score(windows, tiny.bundle.fleet).score
    with ThreadPoolExecutor(8) as pool:
        which = [np.array([i % len(windows)]) for i in range(800)]
        found = pool.map(lambda w: tiny.graph.score(windows.only(w), tiny.bundle.fleet).score, which)
        np.testing.assert_allclose(np.concatenate(list(found)), expected[np.concatenate(which)], rtol=1e-5)


def test_a_graph_from_bytes_is_the_graph_from_its_file(tiny, windows):
    content = (tiny.bundle.folder / "model.onnx").read_bytes()
    found = Graph(content, tiny.profile, threads=2).score(windows, tiny.bundle.fleet)
    assert_alike(found, tiny.graph.score(windows, tiny.bundle.fleet))
