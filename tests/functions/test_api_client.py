"""The client of the API: cached profiles, batches, retries within a deadline, and what each answer means."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import numpy as np
import pytest
from google.auth.compute_engine import _metadata

from aiot_anomaly.errors import MessageError
from aiot_anomaly.windows import Windows
from functions import api_client
from functions.api_client import ApiClient
from functions.errors import ApiRefusedError, ApiUnavailableError
from functions.identity import IdToken
from tests.functions import contract_api
from tests.functions.contract_api import ContractApi
from tests.support.tiny_bundle import START, tiny_profile


@pytest.fixture
def client(contract: ContractApi) -> Iterator[ApiClient]:
    with contract_api.running(contract) as url:
        client = ApiClient(url, timeout_s=0.4, deadline_s=3)
        yield client
        client.close()


def some_windows(n: int) -> Windows:
    values = np.linspace(20, 100, n)[:, None, None] * np.ones((n, 4, 3))
    return Windows(START + 120 * np.arange(n), values, np.ones(n, dtype=bool), np.zeros((n, 2), dtype=bool))


def test_a_profile_is_asked_for_once(client: ApiClient, contract: ContractApi) -> None:
    assert client.profile("tiny") == client.profile("tiny") == tiny_profile()
    assert contract.paths() == ["/v1/models/tiny"]


def test_a_profile_is_asked_for_again_after_another_version_has_answered(
    client: ApiClient, contract: ContractApi
) -> None:
    client.profile("tiny")
    client.predict("tiny", "d-1", some_windows(1))
    client.profile("tiny")
    assert contract.paths().count("/v1/models/tiny") == 1
    contract.version = "v2"
    (answered,) = client.predict("tiny", "d-1", some_windows(1))
    client.profile("tiny")
    client.profile("tiny")
    assert answered.version == "v2"
    assert contract.paths().count("/v1/models/tiny") == 2


def test_predictions_come_back_one_a_window_in_order(client: ApiClient) -> None:
    windows = some_windows(50)
    answers = client.predict("tiny", "d-1", windows)
    np.testing.assert_allclose([a.prediction.score for a in answers], windows.values[:, -1, 0] / 60, rtol=1e-12)
    assert [int(a.prediction.window_end.timestamp()) for a in answers] == windows.ends.tolist()


def test_more_windows_than_fit_in_one_request_go_in_several(contract: ContractApi) -> None:
    with contract_api.running(contract) as url:
        # patient: of a thousand windows a busy machine may take longer than of the others' few
        client = ApiClient(url)
        assert len(client.predict("tiny", "d-1", some_windows(2500))) == 2500
        client.close()
    assert [n for _, _, n, _ in contract.requests] == [1024, 1024, 452]


def test_large_windows_go_in_smaller_batches(
    client: ApiClient, contract: ContractApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_client, "BATCH_NUMBERS", 50)
    assert len(client.predict("tiny", "d-1", some_windows(10))) == 10
    assert [n for _, _, n, _ in contract.requests] == [4, 4, 2]


@pytest.mark.parametrize("fault", [500, 503, 429, "hang up", 0.6])
def test_a_passing_fault_is_retried(client: ApiClient, contract: ContractApi, fault: int | float | str) -> None:
    contract.faults = [fault]
    assert len(client.predict("tiny", "d-1", some_windows(2))) == 2
    assert len(contract.requests) == 2


def test_retries_are_bounded(client: ApiClient, contract: ContractApi) -> None:
    contract.faults = [503] * 100
    with pytest.raises(ApiUnavailableError, match="HTTP 503, 4 times"):
        client.profile("tiny")
    assert len(contract.requests) == 4


def test_retries_end_with_the_deadline(contract: ContractApi) -> None:
    contract.faults = [0.5] * 10
    with contract_api.running(contract) as url:
        client = ApiClient(url, timeout_s=0.3, deadline_s=0.5)
        begin = time.monotonic()
        with pytest.raises(ApiUnavailableError, match="Timeout"):
            client.predict("tiny", "d-1", some_windows(1))
        assert time.monotonic() - begin < 1.0
        client.close()


def test_nobody_there_is_unavailable() -> None:
    client = ApiClient("http://127.0.0.1:9", timeout_s=0.3, deadline_s=0.5)
    with pytest.raises(ApiUnavailableError, match="NewConnectionError"):
        client.profile("tiny")
    client.close()


def test_a_model_that_the_api_does_not_know_is_an_unknown_profile(client: ApiClient) -> None:
    with pytest.raises(MessageError) as e:
        client.profile("nobody")
    assert e.value.code == "unknown_profile"


def test_a_refusal_is_a_bug_and_the_profile_is_asked_for_again(client: ApiClient, contract: ContractApi) -> None:
    client.profile("tiny")
    contract.faults = [422]
    with pytest.raises(ApiRefusedError, match="HTTP 422 fault"):
        client.predict("tiny", "d-1", some_windows(1))
    client.profile("tiny")
    assert contract.paths().count("/v1/models/tiny") == 2


def test_a_404_of_somebody_else_is_no_unknown_profile(client: ApiClient, contract: ContractApi) -> None:
    contract.faults = [404]
    with pytest.raises(ApiRefusedError):
        client.profile("tiny")


def test_an_answer_for_other_windows_is_refused(contract: ContractApi) -> None:
    original = contract.answer

    def shorter(method: str, path: str, body: bytes, headers: dict[str, str]) -> object:
        status, document = original(method, path, body, headers)
        document["predictions"].pop()
        return status, document

    contract.answer = shorter
    with contract_api.running(contract) as url:
        client = ApiClient(url)
        with pytest.raises(ApiRefusedError, match="3 windows of d-1 were asked"):
            client.predict("tiny", "d-1", some_windows(3))
        client.close()


@contextmanager
def metadata_server(lifetimes_s: list[int]) -> Iterator[tuple[str, list[str]]]:
    """The metadata server of Cloud Run as far as ID tokens go; gives its address and the audiences asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = b"ok"
            if "/identity" in self.path:
                asked.append(self.path.partition("audience=")[2].partition("&")[0])
                claims = {"exp": int(time.time()) + lifetimes_s.pop(0), "n": len(asked)}
                parts = [json.dumps(p).encode() for p in ({"alg": "none"}, claims)]
                content = b".".join(base64.urlsafe_b64encode(p).rstrip(b"=") for p in parts) + b".c2ln"
            elif "service-accounts/default" in self.path:
                content = b'{"email": "function@example.test", "scopes": [], "aliases": ["default"]}'
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "application/json" if content.startswith(b"{") else "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def with_metadata_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("GCE_METADATA_IP", address)
    # GCE_METADATA_HOST is read when google-auth is imported, which was before
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", address)


def test_an_id_token_is_kept_until_shortly_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    with metadata_server([60, 3600]) as (address, asked):
        with_metadata_at(address, monkeypatch)
        token = IdToken("https://api.example.test")
        first = token.headers()["Authorization"]
        second = token.headers()["Authorization"]
        assert first.startswith("Bearer ")
        assert first != second, "a token with 60 s left is too old to be sent"
        assert [token.headers()["Authorization"] for _ in range(5)] == [second] * 5
    assert [unquote(a) for a in asked] == ["https://api.example.test"] * 2


def test_without_a_token_the_api_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with_metadata_at("127.0.0.1:9", monkeypatch)
    client = ApiClient("https://api.example.test", deadline_s=1)
    with pytest.raises(ApiUnavailableError, match="no ID token"):
        client.profile("tiny")
    client.close()
