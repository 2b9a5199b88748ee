"""From the bytes of a body to a JSON object."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import numpy as np
import orjson
from starlette.types import Receive

from serving.errors import ApiError, shorten, unprocessable

#: bytes of a body that is short: so few values fit into it that they need not be counted
SHORT = 64 * 1024
_NOT_A_NUMBER = re.compile(r"-?(NaN|Infinity)")


async def receive_body(receive: Receive) -> bytes:
    """The whole body of a request.

    Raises:
        ApiError: the client went away before it was there; nobody reads that.
    """
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(HTTPStatus.BAD_REQUEST, "client_disconnected", "the body did not arrive")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def count(text: bytes, sign: bytes) -> int:
    """How often a sign is in a text: in a long one, numpy finds that out several times as fast."""
    if len(text) <= SHORT:
        return text.count(sign)
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord(sign)))


def check_size(body: bytes, most_values: int) -> None:
    """Refuses a body with more JSON values than any good one has, before they stand in memory as objects.

    Raises:
        ApiError: 413.
    """
    # each value but the first comes after one of these; inside of a text there may be more, but not in a good body
    found = sum(count(body, sign) for sign in (b",", b"[", b"{"))
    if found > most_values:
        message = f"the body has about {found} JSON values, expected at most {most_values}: send fewer a request"
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", message, limit=most_values)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        ApiError: 400 if it is not JSON, 422 if it is not an object or holds a number that is not finite.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as e:
        token = _NOT_A_NUMBER.match(e.doc, e.pos)
        if token or "infinity" in e.msg:
            found = token.group() if token else "a number beyond what 64 bits hold"
            raise unprocessable(
                "not_finite", f"found {found} at character {e.pos}; expected finite numbers", position=e.pos
            ) from None
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "malformed_request", f"the body is not JSON: {e}", position=e.pos
        ) from None
    if not isinstance(document, dict):
        raise unprocessable("malformed_request", f"the body is {shorten(document)}, expected a JSON object")
    return document
