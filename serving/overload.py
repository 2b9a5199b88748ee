"""Time: how much a request has, and the refusal of one whose answer would come too late."""

from __future__ import annotations

import math
from http import HTTPStatus

from starlette.types import Scope

from serving.errors import ApiError, shorten

#: the header by which a client says for how many milliseconds it waits
TIMEOUT_HEADER = "X-Request-Timeout-Ms"
_NAME = TIMEOUT_HEADER.lower().encode()


class OverloadedError(ApiError):
    """503 with `Retry-After`: there is more to do than can be done in time."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "overloaded",
            f"there is more to do than can be done in time, the wait is about {wait_s * 1000:.0f} ms: try again later",
            wait_ms=round(wait_s * 1000),
        )
        self.headers = {"Retry-After": str(max(1, math.ceil(wait_s)))}


def timeout_s(scope: Scope, most_s: float) -> float:
    """The seconds that a request has: what its header `X-Request-Timeout-Ms` says, and at most `most_s`.

    Raises:
        ApiError: the header holds no positive number.
    """
    for name, value in scope["headers"]:
        if name == _NAME:
            if not (value.isdigit() and 0 < len(value) <= 12 and int(value)):
                found = shorten(value.decode("latin-1"))
                message = f"header {TIMEOUT_HEADER} is {found!r}, expected a number of milliseconds such as 500"
                raise ApiError(HTTPStatus.BAD_REQUEST, "malformed_request", message)
            return min(most_s, int(value) / 1000)
    return most_s
