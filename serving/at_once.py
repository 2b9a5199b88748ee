"""A short request that comes whole, while nobody else asks, is answered where it is read.

What uvicorn and ASGI do for a request, a task of its own above all, takes longer than to read a window and to write its
answer. Whatever is unusual about a request goes their way: a header that asks for more, a body in pieces, a fault, a
model that is busy. So only that way says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.http_answer import http_answer
from serving.metrics import Metrics

#: headers that ask for something that is not done here
_UNUSUAL = frozenset((b"expect", b"transfer-encoding", b"upgrade", b"x-request-timeout-ms"))


@dataclass(frozen=True)
class QuickRoute:
    """How POSTs to one exact path are answered at once.

    Attributes:
        template: the path as it is described, for the metrics.
        headers: of each answer, beside those that all have.
        answer: from a body to the JSON of the answer; None where it cannot be given at once.
        metrics: told of each answer.
    """

    template: str
    headers: Sequence[tuple[bytes, bytes]]
    answer: Callable[[bytes], bytes | None]
    metrics: Metrics


class AtOnce(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with routes that it may answer by itself.

    Attributes:
        routes: by path; of the class that serves.
    """

    routes: Mapping[bytes, QuickRoute] = {}
    _held: bytes | None = None
    _start = 0.0

    def data_received(self, data: bytes) -> None:
        """What is held must have come whole: uvicorn's way watches the rest of a body."""
        super().data_received(data)
        if self._held is not None:
            self._release()

    def on_headers_complete(self) -> None:
        """Holds the request where it may be answered at once."""
        if self._is_usual():
            self._start = time.perf_counter()
            self._held = b""
            return
        super().on_headers_complete()

    def _is_usual(self) -> bool:
        return (
            self.url in self.routes
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
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
        """Answers what is held, or hands it on."""
        if self._held is not None:
            if self._is_answered(self.routes[self.url], self._held):
                self._held = None
                self.on_response_complete()
                return
            self._release()
        super().on_message_complete()

    def _is_answered(self, route: QuickRoute, body: bytes) -> bool:
        content = route.answer(body)
        if content is None:
            return False
        self.transport.write(http_answer(200, [*self.server_state.default_headers, *route.headers], content))
        route.metrics.answered(route.template, 200, time.perf_counter() - self._start)
        return True

    def _release(self) -> None:
        body, self._held = self._held, None
        super().on_headers_complete()
        if body:
            super().on_body(body)
