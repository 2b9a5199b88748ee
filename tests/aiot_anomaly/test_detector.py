"""The detector: whose calibration, and what the graph's answer becomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly import detector, scoring
from aiot_anomaly.errors import BundleError
from aiot_anomaly.messages import Prediction
from aiot_anomaly.windows import as_datetime
from tests.aiot_anomaly.spoiling import rewrite
from tests.support.tiny_bundle import normal_windows


@pytest.fixture(scope="module")
def windows(tiny):
    normal = normal_windows(tiny.profile, seed=5)
    return normal.only(np.arange(len(normal)) < 6)


def predictions(tiny, windows):
    n = len(windows)
    scores = tiny.score(windows, tiny.bundle.fleet)
    found = detector.records(tiny.profile, ["device-9"] * n, windows, scores, ["fleet"] * n)
    return [Prediction.model_validate(r) for r in found]


def test_golden_scores_hold_to_the_tolerance_asked_for(spoilt):
    assert detector.load(spoilt, tolerance=1e-5).bundle.version == "tiny-1"
    rewrite(spoilt, "golden.json", lambda g: g["scores"].__setitem__(1, g["scores"][1] * 1.0001))
    assert detector.load(spoilt, tolerance=1e-3).bundle.version == "tiny-1"
    with pytest.raises(BundleError, match=r"golden window 1 .* within 1e-05"):
        detector.load(spoilt, tolerance=1e-5)


def test_without_one_of_its_own_a_device_gets_the_bundles_or_the_fleets(tiny):
    assert tiny.calibration("device-1") == (tiny.bundle.devices["device-1"], "bundle")
    assert tiny.calibration("device-9") == (tiny.bundle.fleet, "fleet")


def test_a_calibration_made_for_this_model_is_used_as_it_is(tiny):
    own = replace(tiny.bundle.fleet, band=np.full(3, 9.0))
    assert tiny.calibration("device-1", own) == (own, "device")


@pytest.mark.parametrize(("device", "source"), [("device-1", "bundle"), ("device-9", "fleet")])
def test_of_a_calibration_made_for_another_model_only_level_and_scale_are_used(tiny, device, source):
    own = replace(
        tiny.bundle.fleet,
        center=np.full((1, 3), 7.0),
        scale=np.full((1, 3), 8.0),
        weights=np.eye(3),
        score_scale=np.full(2, 9.0),
        band=np.full(3, 9.0),
        model_version="older",
    )
    used, named = tiny.calibration(device, own)
    theirs, _ = tiny.bundle.calibration(device)
    assert named == source
    for name in ("center", "scale"):
        np.testing.assert_array_equal(getattr(used, name), getattr(own, name))
    for name in ("weights", "score_scale", "band"):
        np.testing.assert_array_equal(getattr(used, name), getattr(theirs, name))
    assert used.model_version == tiny.bundle.version


def test_a_prediction_says_what_the_graph_says(tiny, windows):
    scores = tiny.score(windows, tiny.bundle.fleet)
    for i, p in enumerate(predictions(tiny, windows)):
        assert p.score == pytest.approx(scores.score[i], rel=1e-6)
        assert p.is_anomaly == (p.score > 1)
        assert p.severity == pytest.approx(float(scoring.severity(p.score)))
        assert p.window_end == as_datetime(windows.ends[i])
        assert p.expected["pressure"].upper == pytest.approx(scores.upper[i, 1], rel=1e-6)


def test_contributions_name_each_sensor_once_the_largest_first(tiny, windows):
    for p in predictions(tiny, windows):
        shares = [c.share for c in p.contributions]
        assert sorted(c.sensor for c in p.contributions) == ["flow", "pressure"]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1.0, abs=1e-5)


def test_the_sensor_that_is_off_is_the_one_that_is_named(tiny, windows):
    for sensor, column in (("pressure", 1), ("flow", 0)):
        values = windows.values.copy()
        values[:, :, column] += 20 * tiny.bundle.fleet.scale[0, column]
        for p in predictions(tiny, replace(windows, values=values)):
            assert p.is_anomaly
            assert p.reason == "anomaly"
            assert p.contributions[0].sensor == sensor


def test_a_value_out_of_range_is_the_reason_unless_there_is_an_anomaly(tiny, windows):
    out = windows.out_of_range.copy()
    out[:, 1] = True
    calm = np.tile(tiny.bundle.fleet.center[0], (*windows.values.shape[:2], 1))
    for p in predictions(tiny, replace(windows, values=calm, out_of_range=out)):
        assert (p.reason, p.out_of_range) == ("out_of_range", ["pressure"])
    for p in predictions(tiny, replace(windows, values=calm)):
        assert (p.reason, p.out_of_range) == ("normal", [])
    for p in predictions(tiny, replace(windows, values=calm + 30, out_of_range=out)):
        assert (p.reason, p.out_of_range) == ("anomaly", ["pressure"])


def test_no_windows_give_no_predictions(tiny, windows):
    assert predictions(tiny, windows.only(np.zeros(len(windows), dtype=bool))) == []
