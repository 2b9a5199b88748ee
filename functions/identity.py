"""The ID token that Cloud Run asks of whoever calls a service that is not public."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from functions.errors import ApiUnavailableError


class IdToken:
    """An ID token for one audience, fetched when it is first needed and again shortly before it expires."""

    def __init__(self, audience: str) -> None:
        self._audience = audience
        self._lock = threading.Lock()
        self._request = Request()
        self._credentials: Any = None
        self._fetch: Any = id_token.fetch_id_token_credentials  # google-auth publishes no types for it

    def headers(self) -> Mapping[str, str]:
        """The headers to send with a request.

        Raises:
            ApiUnavailableError: no token can be had now.
        """
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = self._fetch(self._audience, request=self._request)
                # not valid means: none yet, or within google-auth's margin before the expiry
                if not self._credentials.valid:
                    self._credentials.refresh(self._request)
            except GoogleAuthError as e:
                raise ApiUnavailableError(f"no ID token for {self._audience}: {e}") from e
            return {"Authorization": f"Bearer {self._credentials.token}"}
