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

import httpx
from pydantic import ValidationError

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
        self._http = httpx.Client(base_url=url, headers={"Content-Type": "application/json"})
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
        response = self._call("POST", path, json.dumps({"device_id": device_id, "readings": readings}).encode())
        if not response.is_success:
            _log.warning("POST %s: HTTP %s %s", path, response.status_code, response.text[:500])
            return None
        try:
            return Calibrated.model_validate_json(response.content).calibration
        except ValidationError as e:
            raise ApiRefusedError(f"POST {self._url}{path} answered no calibration: {e}") from e

    def predict(
        self, name: str, device_id: str, windows: Windows, calibration: CalibrationDocument | None = None
    ) -> list[Answered]:
        """One prediction for each of the complete windows, in their order.

        Args:
            name: of the profile.
            device_id: whose they are.
            windows: W complete ones.
            calibration: the device's own, if it has one.

        Raises:
            MessageError: `unknown_profile`: the API has no model of this name.
            ApiUnavailableError: the API did not answer in time.
            ApiRefusedError: it refused, or answered something else than was asked.
        """
        own = None if calibration is None else calibration.model_dump(mode="json")
        per_window = max(1, windows.values[0].size if len(windows) else 1)
        per_window += len(json.dumps(own)) // _CHARACTERS
        batch = max(1, min(BATCH, BATCH_NUMBERS // per_window))
        answers = (self._predict(name, device_id, windows, at, at + batch, own) for at in range(0, len(windows), batch))
        return list(itertools.chain.from_iterable(answers))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _predict(
        self, name: str, device_id: str, windows: Windows, begin: int, end: int, own: Mapping[str, object] | None
    ) -> list[Answered]:
        ends = [as_datetime(t) for t in windows.ends[begin:end]]
        more = {} if own is None else {"calibration": own}
        instances = [
            {"device_id": device_id, "window_end": end.isoformat(), "values": rows, **more}
            for end, rows in zip(ends, windows.values[begin:end].tolist(), strict=True)
        ]
        response = self._call("POST", f"/v1/models/{name}:predict", json.dumps({"instances": instances}).encode())
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

    def _call(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        """The first answer that a retry would not change."""
        give_up = time.monotonic() + self._deadline_s
        for attempt in itertools.count():
            failure = ""
            try:
                timeout = max(0.1, min(self._timeout_s, give_up - time.monotonic()))
                response = self._http.request(method, path, content=body, headers=self._headers(), timeout=timeout)
                if response.status_code < 500 and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    return response
                failure = f"HTTP {response.status_code}"
            except httpx.TransportError as e:
                failure = f"{type(e).__name__} {e}".strip()
            pause = pause_s(attempt)
            if attempt + 1 == ATTEMPTS or time.monotonic() + pause >= give_up:
                raise ApiUnavailableError(f"{method} {self._url}{path}: {failure}, {attempt + 1} times")
            time.sleep(pause)
        raise AssertionError("not reached")

    def _headers(self) -> Mapping[str, str]:
        return self._token.headers() if self._token is not None else {}

    def _content(self, name: str, response: httpx.Response) -> bytes:
        if response.is_success:
            return response.content
        # the profile may have changed with the model, and windows of the old one are refused
        self._forget(name)
        code = _error_code(response)
        # only the API's own word: a wrong API_URL answers 404 too, and must not park good messages
        if response.status_code == httpx.codes.NOT_FOUND and code == "unknown_model":
            raise _unknown(name)
        request = f"{response.request.method} {response.request.url}"
        raise ApiRefusedError(f"{request}: HTTP {response.status_code} {code}: {response.text[:500]}", answered=code)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._models.pop(name, None)


def _unknown(name: str) -> MessageError:
    return MessageError(f"unknown profile {name!r}: the API has no model of this name", code="unknown_profile")


def _error_code(response: httpx.Response) -> str:
    try:
        document = response.json()
    except ValueError:
        return ""
    error = document.get("error") if isinstance(document, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""
