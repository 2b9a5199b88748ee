"""The smoke test against real API processes, and against what is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from aiot_anomaly import paths
from aiot_anomaly.errors import BundleError
from delivery import smoke
from delivery.smoke import SmokeReport


def failed(report: SmokeReport) -> dict[str, str]:
    return {c.subject: c.found for c in report.checks if not c.passed}


def test_it_passes_where_the_bundles_are_served(served, models):
    report = smoke.run(served.url, smoke.load(models.first))
    assert report.passed, report.failures
    assert [c.subject for c in report.checks] == [
        "ready", "skab: version", "skab: golden scores", "skab: an invalid request",
    ]  # fmt: skip
    assert len(report.latencies_ms) == len(smoke.load(models.first)[0].golden.scores)


def test_another_version_and_its_scores_are_told_apart(served, models):
    report = smoke.run(served.url, smoke.load(models.better))
    assert failed(report).keys() == {"skab: version", "skab: golden scores"}
    assert failed(report)["skab: version"] == f"{smoke.load(models.first)[0].version}, expected better"


def test_other_scores_under_the_same_version_are_found(other, models):
    report = smoke.run(other.url, smoke.load(models.better))
    assert failed(report).keys() == {"skab: golden scores"}
    assert "expected" in failed(report)["skab: golden scores"]


def test_a_model_that_is_not_served_is_named(served, models, tmp_path):
    (tmp_path / "leak").symlink_to(paths.models() / "leak")
    report = smoke.run(served.url, smoke.load(tmp_path))
    assert failed(report)["leak: version"].startswith("HTTP 404 unknown_model, expected ")


def test_an_answer_of_200_is_not_readiness(placeholder, models):
    report = smoke.run(placeholder.url, smoke.load(models.first), wait_s=0.2)
    assert [c.subject for c in report.checks] == ["ready"]
    assert "It's running!" in failed(report)["ready"]


def test_an_address_where_nothing_listens_is_reported_and_not_raised(models):
    report = smoke.run("http://127.0.0.1:9", smoke.load(models.first), wait_s=0.2)
    assert failed(report)["ready"].startswith("not reached: ConnectError")
    assert report.latency == "no request was answered"


@pytest.fixture
def liar(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every request with the same status and body."""
    status, body = request.param

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - names that the server looks for

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "liar", [(200, {"status": "ready", "version": "any", "predictions": [{"score": float("nan")}]})], indirect=True
)
def test_a_score_that_is_no_number_and_an_accepted_nonsense_fail(liar, models):
    found = failed(smoke.run(liar, smoke.load(models.first)))
    assert found["skab: golden scores"].startswith("window 0 scores nan")
    assert found["skab: an invalid request"] == "HTTP 200, expected HTTP 422 with an error code"


@pytest.mark.parametrize("liar", [(403, {})], indirect=True)
def test_a_caller_who_is_not_allowed_is_told_which_role_is_missing(liar, models):
    found = failed(smoke.run(liar, smoke.load(models.first), wait_s=0.2))
    assert found["ready"].startswith("not allowed: HTTP 403, expected a caller with roles/run.invoker")


def test_without_a_bundle_there_is_nothing_to_compare_with(tmp_path):
    with pytest.raises(BundleError, match="nothing to compare"):
        smoke.load(tmp_path)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"predictions": [{"score": 1' + b"0" * 400 + b"}]}"])
def test_json_that_python_cannot_hold_is_no_score_and_not_raised(body):
    response = httpx.Response(200, content=body)
    assert smoke._score(response) is None
    assert smoke._json(response).get("status") is None
