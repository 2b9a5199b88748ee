"""The ID token that a Cloud Run service which is not public asks for.

Three sources, the first that applies:

1. `AIOT_ID_TOKEN`: for a person, `AIOT_ID_TOKEN=$(gcloud auth print-identity-token)`.
2. A service account (`--account`): IAM Credentials' `generateIdToken` mints a token for it. This is how GitHub Actions
   calls the API. Under direct Workload Identity Federation there is no service account behind the workflow, and a
   federated principal cannot have an ID token of its own: `gcloud auth print-identity-token` fails, and
   `fetch_id_token` refuses `external_account` credentials. But its access token may call IAM Credentials. So the
   workflow's principal has `roles/iam.serviceAccountOpenIdTokenCreator` on one account whose only right is
   `roles/run.invoker` on the API; with it nothing can be deployed or read, and no access token can be had.
3. Application Default Credentials that are a service account: Cloud Build, Cloud Run, a virtual machine.

The audience is always the service's own URL, also for a request to a tag's URL: Cloud Run accepts no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import google.auth
import requests
from google.auth import impersonated_credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from delivery.errors import IdentityError

TOKEN_VARIABLE = "AIOT_ID_TOKEN"  # noqa: S105 - the name of a variable, not a token
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def headers(audience: str, account: str | None = None) -> Mapping[str, str]:
    """The headers that let a request in.

    Args:
        audience: URL of the service.
        account: e-mail of the service account that the token is for, if not the caller's own.

    Raises:
        IdentityError: no token can be had; the text names the ways.
    """
    given = os.environ.get(TOKEN_VARIABLE)
    return {"Authorization": f"Bearer {given or _minted(audience, account)}"}


def _minted(audience: str, account: str | None) -> str:
    request = Request()
    try:
        credentials = _of_account(audience, account) if account else _own(audience, request)
        credentials.refresh(request)
    except (GoogleAuthError, requests.RequestException) as e:
        raise IdentityError(
            f"no ID token for {audience}: {e}; name an account that may call the API and for which you have "
            f"roles/iam.serviceAccountOpenIdTokenCreator (--account), or set {TOKEN_VARIABLE}="
            "$(gcloud auth print-identity-token)"
        ) from e
    return str(credentials.token)


def _of_account(audience: str, account: str) -> Any:
    own, _ = google.auth.default(scopes=[_SCOPE])
    # only names the account: the ID token is asked for with the caller's own credentials, in one call
    named = impersonated_credentials.Credentials(own, account, [_SCOPE])  # type: ignore[no-untyped-call] # google-auth ships none
    return impersonated_credentials.IDTokenCredentials(named, audience, include_email=True)  # type: ignore[no-untyped-call] # as above


def _own(audience: str, request: Request) -> Any:
    return id_token.fetch_id_token_credentials(audience, request=request)  # type: ignore[no-untyped-call] # as above
