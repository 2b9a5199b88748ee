"""`:detect`: raw readings to predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from aiot_anomaly.calibration import encode
from aiot_anomaly.detection import detect_series
from aiot_anomaly.windows import as_datetime
from tests.serving.refusal import refused
from tests.support.tiny_bundle import readings

URL = "/v1/models/tiny:detect"


def body(at, values, **more: Any) -> dict[str, Any]:
    rows = [
        {"timestamp": as_datetime(t).isoformat(), "values": {"flow": row[0], "pressure": row[1]}}
        for t, row in zip(at.tolist(), values.tolist(), strict=True)
    ]
    return {"device_id": "device-1", "readings": rows, **more}


def post(client, document: object):
    return client.post(URL, content=orjson.dumps(document))


def test_the_answer_is_that_of_the_library(client, tiny):
    at, values = readings(tiny.profile, 90)
    response = post(client, body(at, values))
    assert response.status_code == 200
    assert response.headers["x-model-version"] == "tiny-1"
    answer = response.json()
    expected = detect_series(tiny, "device-1", at, values)
    assert answer["predictions"] == [p.model_dump(mode="json") for p in expected.predictions]
    assert answer["outcomes"] == expected.outcomes
    assert sum(answer["outcomes"].values()) == 90
    assert (answer["model"], answer["version"], answer["device_id"]) == ("tiny", "tiny-1", "device-1")


def test_null_and_absent_values_are_missing(client, tiny):
    at, values = readings(tiny.profile, 40)
    document = body(at, values)
    document["readings"][30]["values"]["flow"] = None
    del document["readings"][31]["values"]["pressure"]
    answer = post(client, document).json()
    assert answer["outcomes"]["gap"] == 0, "short gaps are filled"
    values[30, 0] = values[31, 1] = np.nan
    expected = detect_series(tiny, "device-1", at, values)
    assert answer["predictions"] == [p.model_dump(mode="json") for p in expected.predictions]


def test_last_only_answers_one_prediction(client, tiny):
    at, values = readings(tiny.profile, 40)
    every, last = (post(client, body(at, values, last_only=flag)).json() for flag in (False, True))
    assert last["predictions"] == every["predictions"][-1:]
    assert last["outcomes"] == every["outcomes"]


def test_a_calibration_that_came_along_is_used(client, tiny):
    at, values = readings(tiny.profile, 40)
    own = encode(tiny.profile, tiny.bundle.fleet).model_dump()
    answer = post(client, body(at, values, calibration=own)).json()
    assert {p["calibration"] for p in answer["predictions"]} == {"device"}
    response = post(client, body(at, values, calibration={**own, "profile": "other"}))
    refused(response, 422, "invalid_calibration")


def test_10000_readings_are_answered_and_one_more_is_refused(client, tiny):
    at, values = readings(tiny.profile, 10_001)
    answer = post(client, body(at[:-1], values[:-1])).json()
    assert sum(answer["outcomes"].values()) == 10_000
    assert len(answer["predictions"]) > 4_900
    message = refused(post(client, body(at, values)), 422, "too_many_readings")
    assert message.startswith("10001 readings, expected at most 10000")


def test_unknown_sensors_are_named_with_those_that_there_are(client, tiny):
    document = body(*readings(tiny.profile, 3))
    document["readings"][1]["values"]["flwo"] = 1.0
    message = refused(post(client, document), 422, "unknown_sensor")
    assert message == "found unknown sensors flwo; profile tiny has flow, pressure"


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        ("0001-01-01T00:00:00+14:00", "invalid_timestamp"), ("9999-12-31T23:59:59Z", "invalid_timestamp"),
        ("1969-12-31T23:59:59Z", "invalid_timestamp"), ("99999-01-01T00:00:00Z", "malformed_request"),
        ("2026-01-01T00:00:00", "malformed_request"), ("soon", "malformed_request"), (None, "malformed_request"),
        ({}, "malformed_request"), (1e300, "malformed_request"), (True, "malformed_request"),
    ],
)  # fmt: skip
def test_a_timestamp_that_is_no_time_of_a_device_is_refused(client, tiny, timestamp, code):
    document = body(*readings(tiny.profile, 3))
    document["readings"][2]["timestamp"] = timestamp
    assert "readings.2.timestamp" in refused(post(client, document), 422, code)


def test_readings_two_centuries_apart_are_answered(client, tiny):
    at, values = readings(tiny.profile, 40)
    at = at.copy()
    at[:20] = np.arange(20) * 60
    at[-1] = 7_258_000_000
    answer = post(client, body(at, values)).json()
    assert sum(answer["outcomes"].values()) == 40


@pytest.mark.parametrize(
    "change",
    [
        {"readings": []}, {"readings": None}, {"readings": [None]}, {"readings": [{}]}, {"readings": "x"},
        {"readings": [{"timestamp": "2026-01-01T00:00:00Z", "values": []}]},
        {"readings": [{"timestamp": "2026-01-01T00:00:00Z", "values": {"flow": "much"}}]},
        {"readings": [{"timestamp": "2026-01-01T00:00:00Z", "values": {"flow": [1]}}]},
        {"last_only": "perhaps"}, {"device_id": "a b"}, {"surprise": 1},
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused(client, tiny, change):
    document = {**body(*readings(tiny.profile, 3)), **change}
    refused(post(client, document), 422, "malformed_request")
