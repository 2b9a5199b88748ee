"""The HTTP side of push: one URL, some kept-alive connections."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from urllib.parse import urlsplit

_MAX_HEAD_BYTES = 64 * 1024


class NoAnswerError(ConnectionError):
    """The other side did not answer with a whole HTTP response."""


class Endpoint:
    """Posts JSON bodies to `url`; a connection carries one post at a time and is kept for the next.

    This speaks HTTP/1.1 by itself, because all it needs is a status. A general client (httpx, or http.client in
    threads) takes three to five times the processor time, and on two cores that is taken from the function that
    is being pushed to.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        assert parts.hostname, "Terms.of has checked the URL"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if self._secure else 80)
        self._timeout_s = timeout_s
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nUser-Agent: aiot-local-pubsub\r\n"
            "Accept: */*\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()
        self._idle: list[tuple[StreamReader, StreamWriter]] = []

    async def post(self, body: bytes) -> int:
        """Post one body and give the status.

        Raises:
            OSError: There was no connection, no answer, or none in time (`TimeoutError`).
        """
        async with asyncio.timeout(self._timeout_s):
            while self._idle:
                reader, writer = self._idle.pop()
                if reader.at_eof() or writer.is_closing():
                    writer.close()
                    continue
                try:
                    return await self._exchange(reader, writer, body)
                except ConnectionError:
                    # a server may close an idle connection at any time; only a fresh one that fails says it is down
                    continue
            reader, writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._secure or None, limit=_MAX_HEAD_BYTES
            )
            return await self._exchange(reader, writer, body)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter, body: bytes) -> int:
        keep = False
        try:
            writer.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))
            await writer.drain()
            status, keep = await _read_response(reader)
            return status
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise NoAnswerError(f"not an HTTP response: {error}") from error
        finally:
            if keep:
                self._idle.append((reader, writer))
            else:
                writer.close()


async def _read_response(reader: StreamReader) -> tuple[int, bool]:
    """Read one response to its end: its status, and whether the connection may be used again."""
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    version, status = status_line.split(" ", 2)[:2]
    fields = {name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(":") for line in lines)}
    keep = version == "HTTP/1.1" and fields.get("connection") != "close"
    if status in {"204", "304"} or status.startswith("1"):
        pass  # these have no body
    elif fields.get("transfer-encoding") == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            await reader.readexactly(size + 2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers
    elif "content-length" in fields:
        await reader.readexactly(int(fields["content-length"]))
    else:
        keep = False  # the body ends with the connection
    return int(status), keep
