"""From the bytes of a body to a JSON object."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import orjson

from serving.errors import ApiError, shorten, unprocessable

_NOT_A_NUMBER = re.compile(r"-?(NaN|Infinity)")


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
