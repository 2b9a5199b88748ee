"""Refuses a request whose head does not end: uvicorn would keep all of it in memory."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: request line and headers; Cloud Run takes no more either
MOST_BYTES = 64 * 1024


class HeadLimit(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with an end to the request's head."""

    _head = 0

    def data_received(self, data: bytes) -> None:
        """Counts what has come of a head that has not ended."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MOST_BYTES and not self.transport.is_closing():
            self.send_400_response(f"the request's head has more than {MOST_BYTES} bytes")

    def on_headers_complete(self) -> None:
        """The head has ended: the body is limited elsewhere."""
        super().on_headers_complete()
        self._head = -1 << 62

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        super().on_message_complete()
        self._head = 0
