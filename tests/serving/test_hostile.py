"""Bodies and addresses that mean harm: always a 4xx in the one shape, and the next request is answered."""

from __future__ import annotations

import random

import orjson
import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from tests.serving.refusal import refused

ROUTES = ["/v1/models/tiny:predict", "/v1/models/tiny:detect"]
BODIES = [
    b"", b" ", b"{", b"}", b"[", b"null", b"true", b"5", b'"x"', b"[]", b"{}", b"NaN", b"{,}", b"\xff\xfe", b"\x00",
    b'{"instances": "\xff"}', b'{"instances": ["\\ud800"]}', b'{"instances": [1e400]}', b'{"readings": [1e400]}',
    b'{"instances": [' + b"9" * 5000 + b"]}", b"[" * 100_000, b'{"a":' * 100_000, b"[" * 900 + b"]" * 900,
    b'{"instances":' + b"[" * 900 + b"]" * 900 + b"}", b'{"readings":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"instances": [{"device_id": "a", "window_end": "2026-01-01T00:00:00Z", "values": ' + b"[" * 200 + b"]" * 200
    + b"}]}", b"\xef\xbb\xbf{}", b'{"instances": [], "instances": {}}', b"<xml/>", b"a=1&b=2",
]  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", BODIES, ids=lambda b: repr(b[:24]))
def test_a_hostile_body_is_refused(client, instance, route, body):
    response = client.post(route, content=body)
    assert response.status_code in {400, 413, 422}
    assert set(response.json()["error"]) == {"code", "message", "details"}
    assert len(response.content) < 2_000, "the refusal does not echo the body"
    assert client.post(ROUTES[0], json={"instances": [instance]}).status_code == 200


def test_what_is_not_json_is_a_400(client):
    assert "not JSON" in refused(client.post(ROUTES[0], content=b'{"instances": ['), 400, "malformed_request")


def test_spoilt_requests_never_fail_the_service(client, instance):
    """A thousand good requests, each with some bytes changed, cut off or doubled."""
    rng = random.Random(7)
    rows = [{"timestamp": "2026-01-01T00:00:00Z", "values": {"flow": 1.0, "pressure": None}}]
    good = [
        orjson.dumps({"instances": [instance], "parameters": None}),
        orjson.dumps({"device_id": "a", "readings": rows, "last_only": False, "calibration": None}),
    ]
    pieces = [b"null", b"-1", b"1e308", b"[]", b"{}", b'""', b"true", b"99999999999999999999", b",", b":", b"\xf0"]
    for _ in range(1000):
        which = rng.randrange(2)
        body = good[which]
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(body))
            body = body[:at] + rng.choice(pieces) + body[at + rng.randrange(6) :]
        response = client.post(ROUTES[which], content=body)
        assert response.status_code in {200, 400, 422}, body


@pytest.fixture
def small(models_dir):
    with TestClient(create_app(models_dir, Settings(max_body_bytes=2_000))) as client:
        yield client


def test_a_body_over_the_limit_is_refused_by_its_declared_length(small):
    message = refused(small.post(ROUTES[0], content=b" " * 2_001), 413, "body_too_large")
    assert message.startswith("the body has 2001 bytes, expected at most 2000")


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_over_the_limit_is_refused_without_a_declared_length(small, route):
    response = small.post(route, content=(b" " * 500 for _ in range(5)))
    assert "content-length" not in response.request.headers
    refused(response, 413, "body_too_large")


def test_a_body_at_the_limit_is_read(small):
    refused(small.post(ROUTES[0], content=b"{}" + b" " * 1_998), 422, "malformed_request")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"), ("GET", "/v1/models/", 404, "not_found"),
        ("GET", "/v1/modelz", 404, "not_found"),
        ("POST", "/v1/models/tiny:explain", 404, "not_found"), ("GET", "/v1/models/pump", 404, "unknown_model"),
        ("GET", "/v1/models/%ff%00", 404, "unknown_model"), ("GET", "/v1/models/a%2Fb", 404, "not_found"),
        ("GET", "/v1/models/" + "a" * 5_000, 404, "unknown_model"), ("PUT", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/tiny:predict", 405, "method_not_allowed"), ("POST", "/metrics", 405, "method_not_allowed"),
        ("POST", "/v1/models/tiny", 405, "method_not_allowed"), ("DELETE", "/health/live", 405, "method_not_allowed"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_in_the_same_shape(client, method, path, status, code):
    response = client.request(method, path)
    assert len(refused(response, status, code)) < 300
    if status == 405:
        assert response.headers["allow"]
