"""Short requests that come whole are answered without ASGI.

What uvicorn and ASGI do for a request, a task of its own above all, takes longer than to read a window and to write its
answer. Whatever is unusual about a request goes their way: a header that asks for more, a body in pieces or a long
one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving import errors, trace_context
from serving.errors import ApiError
from serving.http_answer import http_answer
from serving.metrics import Metrics

_LOG = logging.getLogger(__name__)

#: headers that ask for something that is not done here
_UNUSUAL = frozenset((b"expect", b"transfer-encoding", b"upgrade", b"x-request-timeout-ms"))

#: told the JSON of an answer, or why there is none
Tell = Callable[[bytes | Exception], None]


@dataclass(frozen=True)
class QuickRoute:
    """How short POSTs to one exact path are answered.

    Attributes:
        template: the path as it is described, for the metrics.
        headers: of each answer, beside those that all have.
        ask: given a body, and whom to tell the answer: once, at once or in a later turn of the event loop. False, and
            nobody is told, where ASGI's way is to answer.
        metrics: told of each answer.
    """

    template: str
    headers: Sequence[tuple[bytes, bytes]]
    ask: Callable[[bytes, Tell], bool]
    metrics: Metrics


class Quick(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with routes that it may answer by itself.

    Attributes:
        routes: by path; of the class that serves.
    """

    routes: Mapping[bytes, QuickRoute] = {}
    _held: bytes | None = None
    #: whether one of the requests that came together was held
    _has_held = False
    _start = 0.0

    def data_received(self, data: bytes) -> None:
        """What is held must have come whole: uvicorn's way watches the rest of a body."""
        self._has_held = False
        super().data_received(data)
        if self._held is not None:
            self._release()

    def on_headers_complete(self) -> None:
        """Holds the request where it may be answered here."""
        if self._is_usual():
            self._start = time.perf_counter()
            self._held, self._has_held = b"", True
            return
        super().on_headers_complete()

    def _is_usual(self) -> bool:
        return (
            self.url in self.routes
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            # the others of those that came together wait for a turn of the loop each, so that others get in
            and not self._has_held
            # answers leave in the order of the requests, and not before those before them are taken
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not any(name in _UNUSUAL for name, _ in self.headers)
        )

    def on_body(self, body: bytes) -> None:
        """Keeps it, or hands it on."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Asks for the answer to what is held, or hands it on."""
        if self._held is not None:
            if self._is_asked(self.routes[self.url], self._held):
                self._held = None
                return
            self._release()
        super().on_message_complete()

    def _is_asked(self, route: QuickRoute, body: bytes) -> bool:
        before = self.cycle
        # what comes next on this connection waits for it, as for any of uvicorn's
        self.cycle = exchange = _Exchange(self, route, self._start)  # type: ignore[assignment] # see there
        if route.ask(body, exchange.answer):
            return True
        self.cycle = before
        return False

    def _release(self) -> None:
        body, self._held = self._held, None
        super().on_headers_complete()
        if body:
            super().on_body(body)


class _Exchange:
    """One request and its answer: what uvicorn's protocol knows as a `RequestResponseCycle`.

    Attributes:
        response_complete: whether it is answered.
        keep_alive: whether the connection goes on after it.
        disconnected: whether the client went away.
        message_event: set for who waits for more of the request: nobody, it is there.
    """

    __slots__ = (
        *("_headers", "_protocol", "_route", "_scope", "_start"),
        *("disconnected", "keep_alive", "response_complete"),
    )
    message_event = asyncio.Event()

    def __init__(self, protocol: Quick, route: QuickRoute, start: float) -> None:
        self._protocol = protocol
        self._route = route
        self._start = start
        # those of now: another request may have come when it is answered
        self._scope, self._headers = protocol.scope, protocol.server_state.default_headers
        self.response_complete = self.disconnected = False
        self.keep_alive = True

    def answer(self, found: bytes | Exception) -> None:
        """Sends the answer, or says why there is none."""
        route, transport = self._route, self._protocol.transport
        status, headers, content = HTTPStatus.OK, [*self._headers, *route.headers], found
        if isinstance(content, Exception):
            error = content if isinstance(content, ApiError) else errors.internal()
            if error is not content:
                copy_context().run(self._log, content)
            status, content = HTTPStatus(error.status), errors.body(error.code, error.message, error.details)
            headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        if not transport.is_closing():
            transport.write(http_answer(status, headers, content))
        route.metrics.answered(route.template, status, time.perf_counter() - self._start)
        self.response_complete = True
        if not self.keep_alive:
            transport.close()
        self._protocol.on_response_complete()

    def _log(self, error: Exception) -> None:
        trace_context.remember(cast("Scope", self._scope))
        _LOG.error("POST %s failed", self._route.template, exc_info=error)
