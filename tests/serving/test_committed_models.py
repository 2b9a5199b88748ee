"""The bundles that are in git, behind the API."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from aiot_anomaly.windows import as_datetime
from serving.app import create_app
from serving.settings import Settings

MODELS_DIR = Settings().models_dir
NAMES = sorted(p.parent.name for p in MODELS_DIR.glob("*/bundle.json"))

pytestmark = pytest.mark.skipif(not NAMES, reason="no bundle was promoted to serving/models yet")


@pytest.fixture(scope="module")
def committed():
    with TestClient(create_app(MODELS_DIR)) as client:
        yield client


def test_each_is_served_under_the_name_of_its_folder(committed):
    assert sorted(committed.get("/health/ready").json()["models"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_golden_windows_get_their_golden_scores(committed, name):
    golden = committed.app.state.service.catalogue.get(name).bundle.golden
    instances: list[dict[str, Any]] = [
        {"device_id": "no-such-device", "window_end": as_datetime(end).isoformat(), "values": values}
        for end, values in zip(golden.ends, golden.values, strict=True)
    ]
    answer = committed.post(f"/v1/models/{name}:predict", json={"instances": instances}).json()
    # the builder's processor may be another
    np.testing.assert_allclose([p["score"] for p in answer["predictions"]], golden.scores, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_documented_requests_get_the_documented_status(committed, name):
    paths = committed.get("/openapi.json").json()["paths"]
    for verb in ("predict", "detect"):
        examples = paths[f"/v1/models/{{profile}}:{verb}"]["post"]["requestBody"]["content"]["application/json"][
            "examples"
        ]
        for status in ("200", "422"):
            response = committed.post(f"/v1/models/{name}:{verb}", json=examples[f"{status}-{name}"]["value"])
            assert str(response.status_code) == status


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("end", ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
def test_the_first_and_the_last_time_are_answered(committed, name, end):
    values = committed.app.state.service.catalogue.get(name).bundle.golden.values[0]
    instance = {"device_id": "a", "window_end": end, "values": values}
    answer = committed.post(f"/v1/models/{name}:predict", json={"instances": [instance]}).json()
    assert answer["predictions"][0]["window_end"] == end
