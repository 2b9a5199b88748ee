"""A whole answer in one piece, for what is answered without ASGI."""

from __future__ import annotations

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE


def http_answer(status: int, headers: Iterable[tuple[bytes, bytes]], content: bytes) -> bytes:
    """Head and JSON body of an HTTP/1.1 answer, with its length."""
    head = b"".join([b"%b: %b\r\n" % header for header in headers])
    own = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(content)
    return b"%b%b%b\r\n%b" % (STATUS_LINE[status], head, own, content)
