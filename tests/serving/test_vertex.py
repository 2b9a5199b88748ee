"""Vertex AI's contract for containers, with a process that is started as Vertex AI starts it."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from serving.settings import SettingsError, from_environment
from tests.serving.process import Started, started
from tests.serving.refusal import refused
from tests.serving.test_detect import body
from tests.support.tiny_bundle import readings

ENDPOINT = "/v1/endpoints/123/deployedModels/456"


@pytest.fixture(scope="module")
def vertex(models_dir):
    routes = {"AIP_HEALTH_ROUTE": ENDPOINT, "AIP_PREDICT_ROUTE": f"{ENDPOINT}:predict"}
    # a PORT of the image stands beside Vertex AI's own, which is the one that counts
    with started(models_dir, port_variable="AIP_HTTP_PORT", PORT="1", DEFAULT_PROFILE="tiny", **routes) as found:
        yield found


def predict(vertex: Started, instances: list[Any], **parameters: Any) -> httpx.Response:
    document = {"instances": instances, **({"parameters": parameters} if parameters else {})}
    return httpx.post(f"{vertex.url}{ENDPOINT}:predict", content=orjson.dumps(document))


def test_it_is_healthy_at_the_port_and_the_address_that_were_named(vertex):
    assert httpx.get(f"{vertex.url}{ENDPOINT}").json()["models"] == {"other": "other-7", "tiny": "tiny-1"}


def test_each_instance_gets_its_prediction(vertex, client, instance):
    expected = client.post("/v1/models/tiny:predict", json={"instances": [instance] * 3}).json()["predictions"]
    answer = predict(vertex, [instance] * 3)
    assert answer.headers["x-model-version"] == "tiny-1"
    assert answer.json() == {"predictions": expected, "model": "tiny", "version": "tiny-1"}


def test_parameters_choose_the_model_and_the_sensitivity(vertex, instance):
    assert predict(vertex, [instance], profile="other").json()["version"] == "other-7"
    plain, moved = (
        predict(vertex, [instance], **more).json()["predictions"][0]["score"] for more in ({}, {"sensitivity": 75})
    )
    assert moved == pytest.approx(2 * plain, rel=1e-5)


def test_an_instance_may_have_readings(vertex, tiny):
    at, values = readings(tiny.profile, 40)
    enough, few = predict(vertex, [body(at, values), body(at[:5], values[:5])], sensitivity=60).json()["predictions"]
    assert enough["reason"] in {"normal", "anomaly"}
    assert (few["reason"], few["readings_needed"]) == ("insufficient_history", 4)


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({}, 422, "malformed_request"), ({"instances": {}}, 422, "malformed_request"),
        ({"instances": []}, 422, "malformed_request"), ({"instances": [5]}, 422, "malformed_request"),
        ({"instances": [], "parameters": 5}, 422, "malformed_request"),
        ({"instances": [{}], "surprise": 1}, 422, "malformed_request"),
        ({"instances": [{}], "parameters": {"profile": "pump"}}, 404, "unknown_model"),
        ({"instances": [{"readings": []}], "parameters": {"a": 1}}, 422, "malformed_request"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(vertex, document, status, code):
    refused(httpx.post(f"{vertex.url}{ENDPOINT}:predict", json=document), status, code)


def test_the_services_own_addresses_stay(vertex, instance):
    assert httpx.get(f"{vertex.url}/health/ready").status_code == 200
    own = httpx.post(f"{vertex.url}/v1/models/tiny:predict", json={"instances": [instance]})
    assert own.json()["version"] == "tiny-1"


@pytest.mark.parametrize(
    ("name", "value"), [("AIP_HTTP_PORT", "x"), ("AIP_PREDICT_ROUTE", "predict"), ("AIP_HEALTH_ROUTE", "/{a}")]
)
def test_a_name_that_is_none_stops_the_start(name, value):
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        from_environment({name: value})
