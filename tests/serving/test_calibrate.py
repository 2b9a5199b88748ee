"""`:calibrate`: a device's own normal readings to the calibration that its instances carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from aiot_anomaly.calibration import CalibrationDocument, decode
from aiot_anomaly.device_calibration import calibrate_series
from aiot_anomaly.windows import as_datetime
from tests.serving.refusal import refused
from tests.support.tiny_bundle import readings

URL = "/v1/models/tiny:calibrate"


def body(at, values, **more: Any) -> dict[str, Any]:
    rows = [
        {"timestamp": as_datetime(t).isoformat(), "values": {"flow": row[0], "pressure": row[1]}}
        for t, row in zip(at.tolist(), values.tolist(), strict=True)
    ]
    return {"device_id": "new", "readings": rows, **more}


def post(client, document: object, url: str = URL):
    return client.post(url, content=orjson.dumps(document))


def test_the_answer_is_that_of_the_library(client, tiny):
    at, values = readings(tiny.profile, 248, seed=5)
    response = post(client, body(at, values))
    assert response.status_code == 200, response.text
    assert response.headers["x-model-version"] == "tiny-1"
    answer = response.json()
    expected = calibrate_series(tiny, at, values)
    assert {k: answer[k] for k in ("model", "version", "device_id", "windows")} == {
        "model": "tiny", "version": "tiny-1", "device_id": "new", "windows": expected.calibration.windows,
    }  # fmt: skip
    assert answer["outcomes"] == expected.outcomes
    found = decode(tiny.profile, CalibrationDocument.model_validate(answer["calibration"]))
    np.testing.assert_allclose(found.score_scale, expected.calibration.score_scale)


def test_it_is_of_use_at_once_in_readings_and_in_windows(client, tiny, instance):
    at, values = readings(tiny.profile, 248, seed=5)
    far = values + np.array([20.0, 3.0])  # a device whose normal level is another than the fleet's
    detect = "/v1/models/tiny:detect"
    before = post(client, body(at, far), detect).json()["predictions"]
    calibration = post(client, body(at, far)).json()["calibration"]
    after = post(client, body(at, far, calibration=calibration), detect).json()["predictions"]
    assert np.mean([p["is_anomaly"] for p in before]) > 0.9
    assert np.mean([p["is_anomaly"] for p in after]) < 0.05
    assert {p["calibration"] for p in before} == {"fleet"}
    assert {p["calibration"] for p in after} == {"device"}
    window = {**instance, "device_id": "new", "values": [[70, 8, 0]] * 4}
    plain, own = client.post(
        "/v1/models/tiny:predict", json={"instances": [window, {**window, "calibration": calibration}]}
    ).json()["predictions"]
    assert (plain["is_anomaly"], own["is_anomaly"], own["calibration"]) == (True, False, "device")


def test_too_few_readings_are_told_how_many_are_needed(client, tiny):
    at, values = readings(tiny.profile, 300)
    response = post(client, body(at[:50], values[:50]))
    message = refused(response, 422, "insufficient_history")
    details = response.json()["error"]["details"]
    assert f"send {details['readings_needed']} more readings, one every 60 s without a gap" in message
    assert details["expected"] == 100
    enough = 50 + details["readings_needed"]
    assert post(client, body(at[:enough], values[:enough])).json()["windows"] == 100


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"readings": []}, "malformed_request"), ({"device_id": "a b"}, "malformed_request"),
        ({"last_only": True}, "malformed_request"), ({"calibration": None}, "invalid_calibration"),
        ({"readings": [{"timestamp": "2026-01-01T00:00:00Z", "values": {"flwo": 1}}]}, "unknown_sensor"),
        ({"readings": [{"timestamp": "1960-01-01T00:00:00Z", "values": {"flow": 1}}]}, "invalid_timestamp"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(client, tiny, change, code):
    refused(post(client, {**body(*readings(tiny.profile, 3)), **change}), 422, code)


def test_10000_readings_are_answered_and_one_more_is_refused(client, tiny):
    at, values = readings(tiny.profile, 10_001)
    assert post(client, body(at[:-1], values[:-1])).json()["windows"] > 4_900
    refused(post(client, body(at, values)), 422, "too_many_readings")


def test_an_unknown_model_is_told_which_there_are(client, tiny):
    response = post(client, body(*readings(tiny.profile, 3)), "/v1/models/pump:calibrate")
    refused(response, 404, "unknown_model")
