"""What is served, its health, its metrics, its description."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from aiot_anomaly.profile import Profile
from serving.app import create_app
from tests.serving.refusal import refused


def test_models_are_listed(client):
    assert client.get("/v1/models").json() == {
        "models": [
            {"name": "other", "version": "other-7", "title": "A tiny device"},
            {"name": "tiny", "version": "tiny-1", "title": "A tiny device"},
        ]
    }


def test_a_model_says_what_a_client_needs(client, tiny):
    response = client.get("/v1/models/tiny")
    assert response.headers["x-model-version"] == "tiny-1"
    found = response.json()
    assert found["input_names"] == ["flow", "pressure", "flow_change"]
    assert found["sensors"][1]["unit"] == "bar"
    assert found["sensors"][1]["valid_range"] == [-5, 15]
    assert found["window"] == {
        "steps": 4, "step": 1, "aggregate": 2, "stride": 2, "interval_s": 60, "readings_needed": 8,
    }  # fmt: skip
    assert found["threshold"]["value"] == tiny.bundle.threshold
    assert found["devices"] == 1
    assert {"metrics", "training_range", "mlflow_run_id", "git_commit", "data_fingerprint"} < set(found)


def test_a_profile_comes_back_as_it_went_in(client, tiny):
    found = client.get("/v1/models/tiny").json()["profile"]
    assert Profile.model_validate_json(orjson.dumps(found)) == tiny.profile


def test_an_unknown_model_is_told_which_there_are(client):
    assert "other, tiny" in refused(client.get("/v1/models/pump"), 404, "unknown_model")


def test_health_names_the_models(client):
    assert client.get("/health/live").json() == {"status": "alive"}
    assert client.get("/health/ready").json() == {"status": "ready", "models": {"other": "other-7", "tiny": "tiny-1"}}


def test_metrics_count_requests_windows_and_anomalies(models_dir, instance):
    calm = {**instance, "values": [[50, 5, 0]] * 4}
    wild = {**instance, "values": [[1, 14, 0], [99, -4, 0]] * 2}
    with TestClient(create_app(models_dir)) as client:
        scored = client.post("/v1/models/tiny:predict", json={"instances": [calm, wild]}).json()["predictions"]
        assert [p["is_anomaly"] for p in scored] == [False, True]
        client.post("/v1/models/tiny:predict", content=b"{")
        client.get("/wp-admin")
        text = client.get("/metrics").text
    for line in (
        'aiot_requests_total{route="/v1/models/{profile}:predict",status="200"} 1.0',
        'aiot_requests_total{route="/v1/models/{profile}:predict",status="400"} 1.0',
        'aiot_requests_total{route="other",status="404"} 1.0',
        'aiot_request_seconds_count{route="/v1/models/{profile}:predict"} 2.0',
        'aiot_windows_total{model="tiny"} 2.0',
        'aiot_windows_total{model="other"} 0.0',
        'aiot_anomalies_total{model="tiny"} 1.0',
        'aiot_score_count{model="tiny"} 2.0',
        'aiot_model_info{model="tiny",version="tiny-1"} 1.0',
    ):
        assert line in text.splitlines()


def _operations(client) -> list[tuple[str, str, dict[str, Any]]]:
    paths = client.get("/openapi.json").json()["paths"]
    return [(method, path, operation) for path, methods in paths.items() for method, operation in methods.items()]


def test_every_route_is_described_with_an_example(client):
    operations = _operations(client)
    assert len(operations) == 12
    for _, path, operation in operations:
        for content in operation["responses"]["200"]["content"].values():
            assert content.get("example") or content.get("examples"), path


def test_documented_requests_get_the_documented_answers(client):
    posted = 0
    for method, path, operation in _operations(client):
        for name, example in (
            operation.get("requestBody", {"content": {}})["content"]
            .get("application/json", {"examples": {}})["examples"]
            .items()
        ):
            status, model = name.split("-", 1)
            response = client.request(method, path.format(profile=model), json=example["value"])
            assert str(response.status_code) == status
            documented = operation["responses"][status]["content"]["application/json"]["examples"][name]["value"]
            assert response.json() == documented
            posted += 1
    assert posted == 14


def test_the_documented_table_is_answered_row_by_row(client):
    described = client.get("/openapi.json").json()["paths"]["/invocations"]["post"]["requestBody"]["content"]
    text = described["text/csv"]["example"]
    found = client.post("/invocations", params={"profile": "tiny"}, content=text, headers={"content-type": "text/csv"})
    assert found.status_code == 200, found.text
    assert len(found.json()["predictions"]) == len(text.splitlines()) - 1 == 2


def test_documented_gets_answer_as_documented(client):
    for method, path, operation in _operations(client):
        if method == "get" and path not in {"/metrics", "/version"}:
            model = next((p["example"] for p in operation.get("parameters", [])), "")
            response = client.get(path.format(profile=model))
            assert response.json() == operation["responses"]["200"]["content"]["application/json"]["example"]


def test_every_reference_of_the_description_resolves(client):
    schema = client.get("/openapi.json").json()
    names = {part.split('"')[0] for part in orjson.dumps(schema).decode().split('"#/components/schemas/')[1:]}
    assert {"PredictRequest", "Instance", "DetectRequest", "ErrorBody", "CalibrationDocument"} <= names
    assert names <= set(schema["components"]["schemas"])


def test_the_documentation_page_is_there(client):
    assert client.get("/docs").status_code == 200


@pytest.mark.parametrize("origin", ["http://elsewhere.example"])
def test_no_other_origin_is_let_in(client, origin):
    assert "access-control-allow-origin" not in client.get("/v1/models", headers={"origin": origin}).headers
