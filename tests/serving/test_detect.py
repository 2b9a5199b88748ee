"""`:detect`: raw readings to predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from aiot_anomaly import stream
from aiot_anomaly.calibration import encode
from aiot_anomaly.detection import detect_series
from aiot_anomaly.messages import ReadingBatch
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


@pytest.mark.parametrize("n", [1, 5, 8])
def test_too_short_a_history_is_told_how_many_readings_are_needed(client, tiny, n):
    at, values = readings(tiny.profile, 40)
    response = post(client, body(at[:n], values[:n], last_only=True))
    answer = response.json()
    (one,) = answer["predictions"]
    needed = 9 - n  # a window needs eight readings and ends at every second
    assert one == {
        "device_id": "device-1", "window_end": as_datetime(at[n - 1]).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "is_anomaly": False, "score": None, "severity": None, "reason": "insufficient_history",
        "readings_needed": needed,
    }  # fmt: skip
    assert answer["readings_needed"] == needed
    assert post(client, body(at[:n], values[:n])).json()["predictions"] == []
    enough = post(client, body(at[: n + needed], values[: n + needed], last_only=True)).json()
    assert enough["readings_needed"] == 0
    assert enough["predictions"][0]["reason"] in {"normal", "anomaly"}


def test_after_a_gap_readings_are_needed_again(client, tiny):
    at, values = readings(tiny.profile, 60)
    kept = np.r_[0:31, 40:44]
    answer = post(client, body(at[kept], values[kept], last_only=True)).json()
    assert answer["predictions"][0]["window_end"] == as_datetime(at[30]).strftime("%Y-%m-%dT%H:%M:%SZ")
    needed = answer["readings_needed"]
    more = np.r_[kept, 44 : 44 + needed]
    assert 0 < needed <= tiny.profile.span + 1
    answer = post(client, body(at[more], values[more], last_only=True)).json()
    assert answer["predictions"][0]["window_end"] == as_datetime(at[43 + needed]).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer["readings_needed"] == 0


def test_the_share_of_readings_that_were_filled_is_named(client, tiny):
    at, values = readings(tiny.profile, 13)
    whole = post(client, body(at, values, last_only=True)).json()["predictions"][0]
    assert whole["filled"] == {"flow": 0.0, "pressure": 0.0}
    document = body(at, values, last_only=True)
    document["readings"][-1]["values"]["flow"] = None
    document["readings"][-2]["values"]["flow"] = 1e6  # out of range counts as missing
    found = post(client, document).json()["predictions"][0]
    # four rows, each the mean of two readings: the last one is in one of them, the one before in two
    assert found["filled"] == {"flow": 3 / 8, "pressure": 0.0}


def test_10000_readings_get_the_decisions_of_the_stream(client, tiny):
    at, values = readings(tiny.profile, 10_060)
    rng = np.random.default_rng(3)
    values[rng.random(values.shape) < 0.02] = np.nan
    kept = np.sort(rng.choice(10_060, 10_000, replace=False))
    at, values = at[kept], values[kept]
    document = body(at, values)
    for reading in document["readings"]:
        reading["values"] = {k: None if np.isnan(v) else v for k, v in reading["values"].items()}
    answer = post(client, document).json()
    state, decided = stream.DeviceState(), []
    for part in range(0, 10_000, 500):
        batch = ReadingBatch.model_validate(
            {"device_id": "device-1", "readings": document["readings"][part : part + 500]}
        )
        taken = stream.accept(tiny.profile, state, batch, str(part))
        state = taken.state
        scores = tiny.score(taken.windows, tiny.bundle.devices["device-1"]).score
        decided += list(zip(taken.windows.ends.tolist(), scores.tolist(), strict=True))
    found = answer["predictions"]
    assert [p["window_end"] for p in found] == [as_datetime(e).strftime("%Y-%m-%dT%H:%M:%SZ") for e, _ in decided]
    np.testing.assert_allclose([p["score"] for p in found], [s for _, s in decided], rtol=1e-5)
    assert {k: answer["outcomes"][k] for k in ("decided", "warming_up", "gap")} == {
        k: state.outcomes[k] for k in ("decided", "warming_up", "gap")
    }


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
