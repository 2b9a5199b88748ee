"""One HTTP/1.1 connection that stays open, with one request on it at a time."""

from __future__ import annotations

import socket

import httptools

from benchmarks.serving.runs import LOST

Address = tuple[str, int]
_TIMEOUT_S = 60.0
_RECEIVED_AT_MOST = 1 << 18


def post(address: Address, path: str, body: bytes) -> bytes:
    """The bytes of a request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """Sends requests that are bytes already, and reads answers as far as it must to know their end."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parser = httptools.HttpResponseParser(self)
        self._complete = self._closes = False
        self.retry_after = False
        self.body = b""

    # httptools calls these

    def on_header(self, name: bytes, value: bytes) -> None:
        """Remembers whether it is told when to come back, and whether the server will hang up."""
        self.retry_after = self.retry_after or name.lower() == b"retry-after"
        # once the answer is whole, the parser's own `should_keep_alive` says no to every one
        self._closes = self._closes or (name.lower() == b"connection" and value.lower() == b"close")

    def on_body(self, part: bytes) -> None:
        """Keeps the answer, which the scores are checked in."""
        self.body += part

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._complete = True

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Sends a request; again on a new connection where the server has closed this one meanwhile."""
        self._complete, self.retry_after, self.body = False, False, b""
        try:
            self._socket.sendall(request)
        except OSError:
            self.close()
            self._open()
            self._socket.sendall(request)

    def receive(self) -> int | None:
        """Reads what has come: the answer's status, None if more is to come, `LOST` if the server hung up."""
        try:
            data = self._socket.recv(_RECEIVED_AT_MOST)
        except OSError:
            data = b""
        if not data:
            self.close()
            self._open()
            return LOST
        self._parser.feed_data(data)
        if not self._complete:
            return None
        status: int = self._parser.get_status_code()
        if self._closes:
            body, retry_after = self.body, self.retry_after
            self.close()
            self._open()
            self.body, self.retry_after = body, retry_after
        return status

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()
