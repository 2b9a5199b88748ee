"""ID tokens, as a workflow under direct Workload Identity Federation gets them."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import google.auth.iam
import pytest

from delivery import identity
from delivery.errors import IdentityError

AUDIENCE = "https://aiot-api-1.run.app"
ACCOUNT = "aiot-smoke@project.iam.gserviceaccount.com"


def _jwt() -> str:
    claims = {"aud": AUDIENCE, "exp": int(time.time()) + 3600}
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in ({"alg": "none"}, claims)]
    return ".".join([*parts, "c2ln"])


class Google:
    """Answers as the Security Token Service and IAM Credentials do, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.allowed = True
        self.token = _jwt()
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                google.asked.append((self.path, self.headers.get("Authorization", ""), body))
                status, answer = google.answer(self.path)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == "/v1/token":
            return 200, {"access_token": "federated", "expires_in": 3600, "token_type": "Bearer"}
        if path.endswith(":generateIdToken") and self.allowed:
            return 200, {"token": self.token}
        return 403, {"error": {"message": "Permission 'iam.serviceAccounts.getOpenIdToken' denied"}}


@pytest.fixture
def google_apis(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[Google]:
    """Application Default Credentials as google-github-actions/auth writes them without a service account."""
    google_ = Google()
    (tmp_path / "github-token").write_text("a token of GitHub")
    credentials = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/providers/github",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google_.url}/v1/token",
        "credential_source": {"file": str(tmp_path / "github-token")},
    }
    (tmp_path / "credentials.json").write_text(json.dumps(credentials))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "credentials.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "project")  # as the action does
    monkeypatch.delenv(identity.TOKEN_VARIABLE, raising=False)
    # the one address that google-auth takes from no file
    endpoint = f"{google_.url}/v1/projects/-/serviceAccounts/{{}}:generateIdToken"
    monkeypatch.setattr(google.auth.iam, "_IAM_IDTOKEN_ENDPOINT", endpoint)
    yield google_
    google_.server.shutdown()
    google_.server.server_close()


def test_a_federated_principal_gets_the_accounts_token_and_no_access_token_of_it(google_apis):
    assert identity.headers(AUDIENCE, ACCOUNT) == {"Authorization": f"Bearer {google_apis.token}"}
    (exchange, _, _), (path, authorization, body) = google_apis.asked
    assert exchange == "/v1/token"
    assert path == f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateIdToken"
    assert authorization == "Bearer federated"
    assert json.loads(body)["audience"] == AUDIENCE


def test_without_the_role_the_ways_are_named(google_apis):
    google_apis.allowed = False
    with pytest.raises(IdentityError, match=r"getOpenIdToken.*serviceAccountOpenIdTokenCreator.*AIOT_ID_TOKEN"):
        identity.headers(AUDIENCE, ACCOUNT)


def test_a_federated_principal_has_no_token_of_its_own(google_apis):
    with pytest.raises(IdentityError, match="--account"):
        identity.headers(AUDIENCE)


def test_a_given_token_is_used_as_it_is(monkeypatch):
    monkeypatch.setenv(identity.TOKEN_VARIABLE, "given")
    assert identity.headers(AUDIENCE) == {"Authorization": "Bearer given"}
