"""Which trace a request belongs to: so that its log lines are found beside it."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

_Headers = list[tuple[bytes, bytes]]

#: https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
#: https://cloud.google.com/trace/docs/trace-context: the span is decimal here
_CLOUD_TRACE = re.compile(rb"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]{1,3}))?")

_headers: ContextVar[_Headers] = ContextVar("headers")


@dataclass(frozen=True)
class Trace:
    """A trace, the span in it that made the request, and whether the trace is kept."""

    id: str
    span: str = ""
    sampled: bool = False


class Traced:
    """ASGI middleware: remembers a request's headers for as long as it is worked on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] == "http":
            remember(scope)
        await self._app(scope, receive, send)


def remember(scope: Scope) -> None:
    """Keeps a request's headers for as long as it is worked on."""
    # never taken back: each request is a task of its own, and an error is logged after this has returned
    _headers.set(scope["headers"])


def current() -> Trace | None:
    """The trace of the request that is worked on, if it named one.

    Read only when a line is logged, as most requests log none.
    """
    return of_headers(_headers.get([]))


def of_headers(headers: _Headers) -> Trace | None:
    """The trace that `traceparent` or else `X-Cloud-Trace-Context` names."""
    found = dict(headers)
    w3c = _TRACEPARENT.fullmatch(found.get(b"traceparent", b""))
    if w3c and w3c[1].strip(b"0") and w3c[2].strip(b"0"):
        return Trace(w3c[1].decode(), w3c[2].decode(), bool(int(w3c[3], 16) & 1))
    cloud = _CLOUD_TRACE.fullmatch(found.get(b"x-cloud-trace-context", b""))
    if cloud and cloud[1].strip(b"0"):
        span = int(cloud[2] or 0)
        return Trace(cloud[1].decode().lower(), f"{span:016x}" if 0 < span < 2**64 else "", int(cloud[3] or 0) % 2 == 1)
    return None
