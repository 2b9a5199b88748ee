"""Every refusal of the service in one JSON shape, with a code that clients may compare.

{"error": {"code": "wrong_sensor_count", "message": "instance 0: row 3 has 7 values, expected 10: …", "details": {…}}}
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

_LOG = logging.getLogger(__name__)
_CODES = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed"}
_LONGEST = 80


class ApiError(Exception):
    """A request that is refused: `status` and `code` for machines, the message for people."""

    def __init__(self, status: int, code: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details
        self.headers: dict[str, str] = {}


def unprocessable(code: str, message: str, **details: object) -> ApiError:
    """A request that is JSON, but not one that this service can answer (422)."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, code, message, **details)


def shorten(value: object) -> str:
    """What a client sent, for an error message: never longer than a line."""
    text = str(value) if isinstance(value, str | int | float | bool) or value is None else type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def listed(names: Iterable[object], most: int = 10) -> str:
    """Names for an error message, the first few of them."""
    short = [shorten(n) for n in names]
    return ", ".join(short[:most]) + (f", … ({len(short)} in all)" if len(short) > most else "")


def internal() -> ApiError:
    """A fault of the service itself (500)."""
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the service failed; its log says why")


def from_pydantic(error: ValidationError, where: str = "", codes: Mapping[str, str] | None = None) -> ApiError:
    """The first fault that pydantic found.

    Args:
        error: as it was raised.
        where: what was validated, for the message.
        codes: the error code by the name of the field; `malformed_request` for all others.
    """
    fault = error.errors(include_url=False, include_context=False)[0]
    path = [shorten(p) for p in fault["loc"]]
    code = (codes or {}).get(path[0], "malformed_request") if path else "malformed_request"
    at = ": ".join(p for p in (where, ".".join(path)) if p)
    value = fault["input"]
    # a text in quotes: 50 and "50" are not the same fault
    written = f'"{shorten(value)}"' if isinstance(value, str) else shorten(value)
    found = "" if fault["type"] == "missing" else f", found {written}"
    return unprocessable(code, f"{at}: {fault['msg']}{found}" if at else f"{fault['msg']}{found}", path=path)


def body(code: str, message: str, details: Mapping[str, object] | None = None) -> bytes:
    """The JSON of a refusal."""
    # a path may hold what UTF-8 cannot
    text = message.encode("utf-8", "replace").decode()
    return orjson.dumps({"error": {"code": code, "message": text, "details": details or {}}}, default=str)


def respond(error: ApiError, model_version: str | None = None) -> Response:
    """The response of a refusal."""
    content = body(error.code, error.message, error.details)
    headers = error.headers if model_version is None else {**error.headers, "X-Model-Version": model_version}
    return Response(content, error.status, headers, media_type="application/json")


async def failed(request: Request, error: Exception) -> Response:
    """The response to a request at which the service itself failed, which its log tells."""
    _LOG.error("%s %s failed", request.method, shorten(request.url.path), exc_info=error)
    return respond(internal())


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return respond(error, getattr(request.state, "model_version", None))


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{request.method} {shorten(request.url.path)}: {status.phrase}; see /openapi.json"
    refusal = ApiError(status, _CODES.get(status, f"http_{status}"), message)
    refusal.headers = dict(error.headers or {})
    return respond(refusal)


async def _gone(_request: Request, _error: Exception) -> Response:
    return respond(ApiError(HTTPStatus.BAD_REQUEST, "client_disconnected", "the body did not arrive"))


#: what an app answers to each error
HANDLERS: Mapping[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    ApiError: _refused,
    HTTPException: _not_routed,
    ClientDisconnect: _gone,
    Exception: failed,
}
