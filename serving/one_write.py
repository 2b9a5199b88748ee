"""Head and body of an answer leave together: uvicorn writes one after the other, a system call and a packet each."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite(HttpToolsProtocol):
    """uvicorn's HTTP protocol on a transport that joins the two."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Called once, with the connection."""
        super().connection_made(cast("asyncio.Transport", _Joining(transport, self.loop)))


class _Joining:
    """A transport that keeps the head of an answer until what comes next, and no longer than the loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Sends, or keeps a head."""
        if self._kept:
            data, self._kept = self._kept + data, b""
        elif data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n"):
            self._kept = data
            self._loop.call_soon(self._flush)
            return
        self._send(data)

    def _flush(self) -> None:
        if self._kept:
            data, self._kept = self._kept, b""
            self._send(data)

    def _send(self, data: bytes) -> None:
        # uvicorn knows of a client that went away only with the last request that it sent, of several at once
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Sends what is kept, and closes."""
        self._flush()
        self._transport.close()
