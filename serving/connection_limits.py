"""What a connection may send beside bodies, and ahead of the answers: uvicorn would keep all of it in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sized

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving import errors
from serving.http_answer import http_answer

#: request line and headers; Cloud Run takes no more either. As much may come beside a body, and beside each byte of it
#: another one: what chunks take, as long as they are not tiny
MOST_BYTES = 64 * 1024
_CHUNK = 2


class ConnectionLimits(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with an end to heads, to trailers, and to what is sent ahead of the answers."""

    _beside = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Called once, with the connection."""
        super().connection_made(transport)
        self.flow = _OneReadAhead(self.transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        """Counts what has come beside the body."""
        self._beside += len(data)
        super().data_received(data)
        if self._beside > MOST_BYTES and not self.transport.is_closing():
            self.send_400_response(f"the request has more than {MOST_BYTES} bytes beside its body")

    def on_headers_complete(self) -> None:
        """The head has ended: what comes now is a body, or belongs to one."""
        super().on_headers_complete()
        self._beside = -MOST_BYTES

    def on_body(self, body: bytes) -> None:
        """The body is limited elsewhere."""
        super().on_body(body)
        self._beside -= _CHUNK * len(body)

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        super().on_message_complete()
        self._beside = 0

    def send_400_response(self, msg: str) -> None:
        """A request that is no HTTP, refused as all others are."""
        headers = [*self.server_state.default_headers, (b"connection", b"close")]
        self.transport.write(http_answer(400, headers, errors.body("malformed_request", msg)))
        self.transport.close()


class _OneReadAhead(FlowControl):
    """Reads no more while a request waits for the answer to the one before it: uvicorn goes on after each answer."""

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        """Unless a request waits; then its own answer does."""
        if not self._pipeline:
            super().resume_reading()
