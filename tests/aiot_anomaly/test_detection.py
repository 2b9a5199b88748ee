"""Offline detection: outcomes, order, blocks, and the same decisions as the stream's."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly import detection, detector, stream
from aiot_anomaly.calibration import Calibration
from aiot_anomaly.detection import detect_series, score_series
from aiot_anomaly.detector import Detector
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.errors import CalibrationError, WindowError
from aiot_anomaly.messages import Reading, ReadingBatch
from aiot_anomaly.windows import as_datetime
from tests.support.tiny_bundle import make_bundle, readings


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return detector.load(make_bundle(tmp_path_factory.mktemp("bundle") / "tiny"))


def test_each_reading_has_one_outcome(tiny):
    at, values = readings(tiny.profile, 101)
    at = np.concatenate([at[:60], at[75:], at[10:13]])
    values = np.concatenate([values[:60], values[75:], values[10:13]])
    found = detect_series(tiny, "device-1", at, values)
    assert sum(found.outcomes.values()) == len(at)
    assert found.outcomes["duplicate"] == 3
    assert found.outcomes["warming_up"] == 7
    assert found.outcomes["gap"] > 0
    assert found.outcomes["decided"] > 60
    assert {p.calibration for p in found.predictions} == {"bundle"}


def test_a_reading_whose_window_ends_later_is_pending(tiny):
    at, values = readings(tiny.profile, 42)
    assert at[-1] // 60 % 2 == 1
    assert detect_series(tiny, "d", at, values).outcomes["pending"] == 1
    assert detect_series(tiny, "d", at[:-1], values[:-1]).outcomes["pending"] == 0


def test_the_order_of_readings_does_not_matter(tiny):
    at, values = readings(tiny.profile, 80)
    shuffled = np.random.default_rng(1).permutation(80)
    assert detect_series(tiny, "d", at[shuffled], values[shuffled]) == detect_series(tiny, "d", at, values)


def test_no_readings_give_no_predictions(tiny):
    found = detect_series(tiny, "d", np.empty(0), np.empty((0, 2)))
    assert found.predictions == []
    assert set(found.outcomes.values()) == {0}


def test_last_only_gives_the_last_prediction_and_all_outcomes(tiny):
    at, values = readings(tiny.profile, 80)
    every = detect_series(tiny, "d", at, values)
    last = detect_series(tiny, "d", at, values, last_only=True)
    (one,), expected = last.predictions, every.predictions[-1]
    # in single precision a window alone and one among many may differ in the last bits
    assert one.score == pytest.approx(expected.score, rel=1e-5)
    assert (one.window_end, one.is_anomaly, one.reason) == (expected.window_end, expected.is_anomaly, expected.reason)
    assert last.outcomes == every.outcomes


@pytest.mark.parametrize("last_only", [False, True])
def test_blocks_change_nothing(tiny, monkeypatch, last_only):
    at, values = readings(tiny.profile, 300)
    rng = np.random.default_rng(3)
    keep = np.sort(rng.permutation(300)[:250])
    values[rng.random(values.shape) < 0.02] = np.nan
    values[7, 0] = 1e6
    whole = detect_series(tiny, "d", at[keep], values[keep], last_only=last_only)
    monkeypatch.setattr(detection, "_BLOCK_NUMBERS", 60)
    monkeypatch.setattr(detection, "_BLOCK_ROWS", 9)
    in_blocks = detect_series(tiny, "d", at[keep], values[keep], last_only=last_only)
    assert in_blocks.outcomes == whole.outcomes
    assert [p.window_end for p in in_blocks.predictions] == [p.window_end for p in whole.predictions]
    assert [p.out_of_range for p in in_blocks.predictions] == [p.out_of_range for p in whole.predictions]
    np.testing.assert_allclose(
        [p.score for p in in_blocks.predictions], [p.score for p in whole.predictions], rtol=1e-5
    )


def test_readings_a_century_apart_take_no_memory_for_the_time_between(tiny):
    at, values = readings(tiny.profile, 40)
    far = np.concatenate([at, at + 100 * 365 * 86_400])
    found = detect_series(tiny, "d", far, np.concatenate([values, values]))
    assert found.outcomes["decided"] > 40
    assert sum(found.outcomes.values()) == 80


def test_a_value_out_of_range_is_named_and_the_rest_is_decided_on(tiny):
    at, values = readings(tiny.profile, 60)
    values[40, 1] = 99.0
    found = detect_series(tiny, "d", at, values)
    named = [p for p in found.predictions if p.out_of_range]
    assert [p.out_of_range for p in named] == [["pressure"]]
    assert named[0].window_end == as_datetime(-(-at[40] // 120) * 120)
    assert found.outcomes["gap"] == 0


def test_the_stream_decides_the_same(tiny):
    at, values = readings(tiny.profile, 120)
    present = np.ones(120, dtype=bool)
    present[[30, 31, 60, 61, 62, 63]] = False
    at, values = at[present], values[present]
    offline = score_series(tiny, "d", at, values)
    state, ends, scores = DeviceState(), [], []
    for i, (t, row) in enumerate(zip(at, values, strict=True)):
        reading = Reading(timestamp=as_datetime(t), values=dict(zip(tiny.profile.sensor_names, row, strict=True)))
        taken = stream.accept(tiny.profile, state, ReadingBatch(device_id="d", readings=[reading]), str(i))
        state = taken.state
        ends.extend(taken.windows.ends)
        scores.extend(tiny.score(taken.windows, tiny.bundle.fleet).score)
    np.testing.assert_array_equal(offline.ends, ends)
    np.testing.assert_allclose(offline.scores.score, scores, rtol=1e-5)
    assert {k: state.outcomes[k] for k in ("decided", "warming_up", "gap")} == {
        k: offline.outcomes[k] for k in ("decided", "warming_up", "gap")
    }
    assert state.pending == offline.outcomes["pending"]


def test_a_wrong_sensor_count_is_refused(tiny):
    with pytest.raises(WindowError, match=r"shape \(5, 3\), expected \(5, 2\): columns flow, pressure"):
        score_series(tiny, "d", np.arange(5), np.zeros((5, 3)))


def test_a_calibration_that_overflows_is_refused(tiny):
    fleet = tiny.bundle.fleet
    bad = Calibration(**{**vars(fleet), "weights": np.full_like(fleet.weights, 1e300)})
    at, values = readings(tiny.profile, 60)
    with pytest.raises(CalibrationError, match="not a finite number"):
        score_series(tiny, "d", at, values, bad)
