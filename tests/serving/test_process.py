"""`python -m serving` as it is deployed: a process of its own, behind uvicorn."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiot_anomaly import bundle as bundles
from tests.serving.process import Started, start, started


def failed(*arguments: object, **environment: str) -> str:
    """What a start that must fail says."""
    process = start(*arguments, **environment)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("serving: ")
    assert err.count("\n") == 1
    return err


@pytest.fixture(scope="module")
def server(models_dir: Path) -> Iterator[Started]:
    with started(models_dir, ACCESS_LOG="1", MAX_BODY_BYTES="1000000") as found:
        yield found


def test_the_process_predicts(server, instance):
    url = server.url
    response = httpx.post(f"{url}/v1/models/tiny:predict", json={"instances": [instance]})
    assert response.status_code == 200
    assert response.headers["x-model-version"] == "tiny-1"
    assert len(response.json()["predictions"]) == 1


def test_a_large_body_is_refused_while_it_streams(server):
    url = server.url

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    response = httpx.post(f"{url}/v1/models/tiny:predict", content=chunks(), timeout=30)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{",
        b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["a body cut off", "a wrong length", "TLS to a plain port"],
)
def test_a_broken_connection_leaves_the_service_well(server, request_bytes):
    url = server.url
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0)) as s:
        s.sendall(request_bytes)
    assert httpx.get(f"{url}/health/live").status_code == 200


def test_sigterm_ends_the_process_well_and_every_line_of_its_log_is_json(server, instance):
    httpx.post(f"{server.url}/v1/models/tiny:predict", json={"instances": [instance]})
    out = server.stop()
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert lines[0]["message"] == "models loaded"
    assert lines[0]["models"] == {"other": "other-7", "tiny": "tiny-1"}
    assert {"method": "POST", "path": "/v1/models/tiny:predict", "status": 200}.items() <= next(
        line
        for line in lines
        if line["logger"] == "serving.access" and line["status"] == 200 and "tiny" in line["path"]
    ).items()
    assert not [line for line in lines if line["severity"] == "ERROR"]


def test_check_verifies_the_bundles_and_ends(models_dir):
    process = start("--models", models_dir, "--check")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "other other-7: golden scores hold\ntiny tiny-1: golden scores hold\n"


def test_without_a_model_the_start_fails(tmp_path):
    assert f"no bundle in {tmp_path}" in failed(MODELS_DIR=str(tmp_path))


def test_a_wrong_setting_is_named():
    assert "PORT='eighty'" in failed(PORT="eighty")


def _change_a_score(folder: Path) -> None:
    path = folder / bundles.GOLDEN
    golden = json.loads(path.read_text())
    golden["scores"][1] *= 1.5
    path.write_text(json.dumps(golden))
    manifest = json.loads((folder / bundles.MANIFEST).read_text())
    manifest["sha256"][bundles.GOLDEN] = bundles.sha256(path)
    (folder / bundles.MANIFEST).write_text(json.dumps(manifest))


def _spoil_the_graph(folder: Path) -> None:
    (folder / bundles.MODEL).write_bytes(b"no graph")
    manifest = json.loads((folder / bundles.MANIFEST).read_text())
    manifest["sha256"][bundles.MODEL] = bundles.sha256(folder / bundles.MODEL)
    (folder / bundles.MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / bundles.MODEL).write_bytes((f / bundles.MODEL).read_bytes()[:-1]), "changed or cut off"),
        (lambda f: (f / bundles.CALIBRATIONS).unlink(), "is missing"),
        (lambda f: (f / bundles.MANIFEST).unlink(), "no bundle.json"),
        (lambda f: (f / bundles.MANIFEST).write_bytes(b"\xff\x00"), "cannot be read"),
        (lambda f: (f / bundles.MANIFEST).write_bytes((f / bundles.MANIFEST).read_bytes()[:200]), "not JSON"),
        (lambda f: (f / bundles.GOLDEN).write_bytes((f / bundles.GOLDEN).read_bytes() + b" "), "has SHA-256"),
        (lambda f: (f / bundles.MANIFEST).write_text('{"format": 0}'), "is of format 0, this release reads 1"),
        (lambda f: (f / bundles.MANIFEST).write_text('{"format": 99}'), "format 99"),
        (_change_a_score, "golden window 1"),
        (_spoil_the_graph, "cannot be read"),
    ],
    ids=[
        "cut off",
        "missing",
        "no manifest",
        "binary manifest",
        "a manifest cut off",
        "changed",
        "an older format",
        "a newer format",
        "other scores",
        "no graph",
    ],
)
def test_a_broken_bundle_stops_the_start(models_dir, tmp_path, spoil, said):
    shutil.copytree(models_dir, tmp_path / "models")
    spoil(tmp_path / "models" / "tiny")
    message = failed("--models", tmp_path / "models")
    assert said in message
    assert "promote" in message
