"""`sensitivity` moves the threshold of a request, of an instance, or of readings, without training."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from aiot_anomaly.scoring import threshold_factor
from tests.serving.refusal import refused
from tests.serving.test_detect import body
from tests.support.tiny_bundle import readings

URL = "/v1/models/tiny:predict"


def scores(client, *instances: Any, **parameters: Any) -> list[float]:
    answer = client.post(URL, json={"instances": list(instances), "parameters": parameters or None})
    assert answer.status_code == 200, answer.text
    return [p["score"] for p in answer.json()["predictions"]]


@pytest.mark.parametrize(("sensitivity", "factor"), [(0, 4), (25, 2), (50, 1), (75, 0.5), (100, 0.25)])
def test_the_threshold_is_multiplied_as_documented(client, instance, sensitivity, factor):
    assert threshold_factor(sensitivity) == pytest.approx(factor)
    (plain,) = scores(client, instance)
    for found in (
        scores(client, instance, sensitivity=sensitivity),
        scores(client, {**instance, "sensitivity": sensitivity}),
    ):
        assert found[0] == pytest.approx(plain / factor, rel=1e-5)


def test_the_answer_follows_the_moved_threshold(client, tiny, instance):
    golden = tiny.bundle.golden
    instance["values"] = golden.values[next(i for i, s in enumerate(golden.scores) if 0.3 < s < 3)]
    instance["device_id"] = "new"
    (plain,) = scores(client, instance)
    at = float(50 - 25 * np.log2(plain))  # where this window's score is 1.0
    assert 0 < at < 100, "a window that the threshold can be moved to"
    below, above = client.post(
        URL, json={"instances": [{**instance, "sensitivity": at - 1}, {**instance, "sensitivity": at + 1}]}
    ).json()["predictions"]
    assert (below["is_anomaly"], above["is_anomaly"]) == (False, True)
    assert (below["reason"], above["reason"]) == ("normal", "anomaly")
    assert below["severity"] < 0.5 < above["severity"]
    assert below["expected"] == above["expected"], "what was expected is another question"


def test_more_sensitive_never_means_fewer_anomalies(client, tiny):
    golden = tiny.bundle.golden
    windows = [
        {"device_id": "a", "window_end": f"2026-01-01T00:{8 + 2 * i:02}:00Z", "values": values}
        for i, values in enumerate(golden.values)
    ]
    found = [scores(client, *windows, sensitivity=s) for s in np.linspace(0, 100, 9)]
    assert np.all(np.diff(found, axis=0) > 0)


def test_an_instance_says_its_own_before_that_of_the_request(client, instance):
    plain, own, of_all = (
        *scores(client, instance),
        *scores(client, {**instance, "sensitivity": 75}, instance, sensitivity=25),
    )
    assert own == pytest.approx(2 * plain, rel=1e-5)
    assert of_all == pytest.approx(plain / 2, rel=1e-5)


def test_readings_take_it_too(client, tiny):
    at, values = readings(tiny.profile, 40)
    plain, moved = (
        client.post("/v1/models/tiny:detect", content=orjson.dumps(body(at, values, **more))).json()["predictions"]
        for more in ({}, {"sensitivity": 75})
    )
    np.testing.assert_allclose([p["score"] for p in moved], [2 * p["score"] for p in plain], rtol=1e-5)


@pytest.mark.parametrize("sensitivity", [-0.1, 100.1, "50", True, [], {}, 1e300])
def test_another_sensitivity_is_refused(client, tiny, instance, sensitivity):
    for document in (
        {"instances": [instance], "parameters": {"sensitivity": sensitivity}},
        {"instances": [{**instance, "sensitivity": sensitivity}]},
    ):
        assert "sensitivity" in refused(client.post(URL, json=document), 422, "malformed_request")
    readings_ = body(*readings(tiny.profile, 3), sensitivity=sensitivity)
    refused(client.post("/v1/models/tiny:detect", content=orjson.dumps(readings_)), 422, "malformed_request")


def test_a_text_is_told_from_a_number(client, tiny):
    at, values = readings(tiny.profile, 40)
    said = client.post("/v1/models/tiny:detect", json={**body(at, values), "sensitivity": "50"}).json()["error"][
        "message"
    ]
    assert said == 'sensitivity: Input should be a valid number, found "50"'


def test_an_unknown_parameter_is_refused(client, instance):
    document = {"instances": [instance], "parameters": {"sensitivty": 50}}
    assert "sensitivty" in refused(client.post(URL, json=document), 422, "malformed_request")
