"""The function's client of the inference API."""

from __future__ import annotations

import itertools
import json
import logging
import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import certifi
import urllib3
from pydantic import ValidationError
from pydantic_core import to_json

from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.errors import MessageError
from aiot_anomaly.learning import QuietRows
from aiot_anomaly.messages import Prediction
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import Windows, as_datetime
from functions.api_answers import Calibrated, Model, Predicted
from functions.backoff import pause_s
from functions.errors import ApiRefusedError, ApiUnavailableError
from functions.identity import IdToken

#: windows in one request, at most
BATCH = 1024
#: numbers in one request, at most: about 4 MB of JSON
BATCH_NUMBERS = 200_000
# that a number takes
_CHARACTERS = 20
#: of one call
ATTEMPTS = 4
_log = logging.getLogger(__name__)
#: kept open; more are made where more threads call at once
CONNECTIONS = 100
_JSON = {"Content-Type": "application/json"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True)
class Answered:
    """A prediction and the version of the model that made it."""

    prediction: Prediction
    version: str


class ApiClient:
    """Pooled, with deadline and retries. Safe for use from several threads.

    Args:
        url: of the API; https is called with an ID token for it.
        timeout_s: one attempt.
        deadline_s: a call with its retries.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0, deadline_s: float = 20.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._token = IdToken(url) if url.startswith("https://") else None
        parts = urlsplit(url)
        self._path = parts.path
        # of httpx's half a millisecond a call, urllib3 takes a third
        trust = {"ca_certs": certifi.where()} if self._token is not None else {}
        self._http = urllib3.connection_from_url(url, maxsize=CONNECTIONS, retries=False, **trust)
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    def profile(self, name: str) -> Profile:
        """The profile, asked for once and again after another version of its model has answered.

        Raises:
            MessageError: `unknown_profile`: the API has no model of this name.
            ApiUnavailableError: the API did not answer in time.
            ApiRefusedError: it refused.
        """
        model = self._models.get(name)
        if model is not None:
            return model.told()
        # a name that no profile can have must not become part of an address
        if not _NAME.fullmatch(name):
            raise _unknown(name)
        response = self._call("GET", f"/v1/models/{name}")
        try:
            model = Model.model_validate_json(self._content(name, response))
        except ValidationError as e:
            raise ApiRefusedError(f"GET {self._url}/v1/models/{name} answered what is no model: {e}") from e
        with self._lock:
            self._models[name] = model
        return model.told()

    def check(self) -> None:
        """Whether it answers.

        Raises:
            ApiUnavailableError: it did not, in time.
            ApiRefusedError: it refused.
        """
        self._content("", self._call("GET", "/v1/models"))

    def calibrate(self, profile: Profile, device_id: str, rows: QuietRows) -> CalibrationDocument | None:
        """A calibration of a device's own, from its quiet readings; None if the API can make none of them.

        Raises:
            ApiUnavailableError: the API did not answer in time.
        """
        readings = [
            {
                "timestamp": as_datetime(slot * profile.interval_s).isoformat(),
                "values": {n: v for n, v in zip(profile.sensor_names, row, strict=True) if not math.isnan(v)},
            }
            for slot, row in zip(rows.slots.tolist(), rows.values.tolist(), strict=True)
        ]
        path = f"/v1/models/{profile.name}:calibrate"
        response = self._call("POST", path, to_json({"device_id": device_id, "readings": readings}))
        if not _succeeded(response):
            _log.warning("POST %s: HTTP %s %s", path, response.status, _text(response))
            return None
        try:
            return Calibrated.model_validate_json(response.data).calibration
        except ValidationError as e:
            raise ApiRefusedError(f"POST {self._url}{path} answered no calibration: {e}") from e

    def predict(self, name: str, device_id: str, windows: Windows, calibration: bytes | None = None) -> list[Answered]:
        """One prediction for each of the complete windows, in their order.

        Args:
            name: of the profile.
            device_id: whose they are.
            windows: W complete ones.
            calibration: the device's own as JSON, if it has one.

        Raises:
            MessageError: `unknown_profile`: the API has no model of this name.
            ApiUnavailableError: the API did not answer in time.
            ApiRefusedError: it refused, or answered something else than was asked.
        """
        own = calibration or b""
        per_window = max(1, windows.values[0].size if len(windows) else 1)
        per_window += len(own) // _CHARACTERS
        batch = max(1, min(BATCH, BATCH_NUMBERS // per_window))
        answers = (self._predict(name, device_id, windows, at, at + batch, own) for at in range(0, len(windows), batch))
        return list(itertools.chain.from_iterable(answers))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _predict(
        self, name: str, device_id: str, windows: Windows, begin: int, end: int, calibration: bytes
    ) -> list[Answered]:
        ends = [as_datetime(t) for t in windows.ends[begin:end]]
        # the calibration is the same JSON for each window: written once
        common = b'"device_id":%b' % to_json(device_id) + (b',"calibration":%b' % calibration if calibration else b"")
        instances = [
            b'{%b,"window_end":"%b","values":%b}' % (common, end.isoformat().encode(), to_json(rows))
            for end, rows in zip(ends, windows.values[begin:end].tolist(), strict=True)
        ]
        body = b'{"instances":[%b]}' % b",".join(instances)
        response = self._call("POST", f"/v1/models/{name}:predict", body)
        try:
            answer = Predicted.model_validate_json(self._content(name, response))
        except ValidationError as e:
            raise ApiRefusedError(f"POST {self._url}/v1/models/{name}:predict answered no predictions: {e}") from e
        found = [(p.device_id, p.window_end) for p in answer.predictions]
        if found != [(device_id, e) for e in ends]:
            raise ApiRefusedError(f"{len(ends)} windows of {device_id} were asked, {len(found)} others were answered")
        model = self._models.get(name)
        if model is not None and model.version != answer.version:
            self._forget(name)
        return [Answered(p, answer.version) for p in answer.predictions]

    def _call(self, method: str, path: str, body: bytes | None = None) -> urllib3.BaseHTTPResponse:
        """The first answer that a retry would not change."""
        give_up = time.monotonic() + self._deadline_s
        for attempt in itertools.count():
            failure = ""
            try:
                # of connecting and waiting together
                timeout = urllib3.Timeout(total=max(0.1, min(self._timeout_s, give_up - time.monotonic())))
                response = self._http.urlopen(
                    method, self._path + path, body=body, headers=self._headers(), timeout=timeout, retries=False
                )
                if response.status < 500 and response.status != HTTPStatus.TOO_MANY_REQUESTS:
                    return response
                failure = f"HTTP {response.status}"
            except urllib3.exceptions.HTTPError as e:
                failure = f"{type(e).__name__} {e}".strip()
            pause = pause_s(attempt)
            if attempt + 1 == ATTEMPTS or time.monotonic() + pause >= give_up:
                raise ApiUnavailableError(f"{method} {self._url}{path}: {failure}, {attempt + 1} times")
            time.sleep(pause)
        raise AssertionError("not reached")

    def _headers(self) -> Mapping[str, str]:
        return _JSON if self._token is None else {**_JSON, **self._token.headers()}

    def _content(self, name: str, response: urllib3.BaseHTTPResponse) -> bytes:
        if _succeeded(response):
            return response.data
        # the profile may have changed with the model, and windows of the old one are refused
        self._forget(name)
        code = _error_code(response)
        # only the API's own word: a wrong API_URL answers 404 too, and must not park good messages
        if response.status == HTTPStatus.NOT_FOUND and code == "unknown_model":
            raise _unknown(name)
        raise ApiRefusedError(
            f"{self._url}/v1/models/{name}: HTTP {response.status} {code}: {_text(response)}", answered=code
        )

    def _forget(self, name: str) -> None:
        with self._lock:
            self._models.pop(name, None)


def _unknown(name: str) -> MessageError:
    return MessageError(f"unknown profile {name!r}: the API has no model of this name", code="unknown_profile")


def _succeeded(response: urllib3.BaseHTTPResponse) -> bool:
    return 200 <= response.status < 300


def _text(response: urllib3.BaseHTTPResponse) -> str:
    return response.data.decode(errors="replace")[:500]


def _error_code(response: urllib3.BaseHTTPResponse) -> str:
    try:
        document = json.loads(response.data)
    except ValueError:
        return ""
    error = document.get("error") if isinstance(document, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""
