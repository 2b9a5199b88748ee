"""Time: how much a request has, how long it would wait, and the refusal of one whose answer would come too late."""

from __future__ import annotations

import math
import time
from http import HTTPStatus

from starlette.types import Scope

from serving.errors import ApiError, shorten

#: the header by which a client says for how many milliseconds it waits
TIMEOUT_HEADER = "X-Request-Timeout-Ms"
_NAME = TIMEOUT_HEADER.lower().encode()


#: what a request costs beside its windows, in windows: HTTP, reading, writing
_REQUEST = 8
#: how much of what was measured before an answer still counts after it
_MEMORY = 0.98


class Load:
    """What is under way in this process, and from that how long a request that comes now will wait.

    By Little's law: work under way times the seconds that a piece of it takes. Those are the seconds from one answer to
    the next while there was work, so they hold all that an answer takes, whichever part of it is slow at the moment.
    """

    def __init__(self, most_wait_s: float) -> None:
        self._most_wait_s = most_wait_s
        self._under_way = 0
        self._since = 0.0
        #: seconds, and what was done in them, of the last answers
        self._seconds, self._done = 0.0, 1e-9

    def wait_s(self) -> float:
        """How long a request that comes now is expected to wait."""
        return self._under_way * self._seconds / self._done

    def admit(self, timeout_s: float) -> None:
        """Refuses a request that would wait too long, before anything is done for it.

        Raises:
            OverloadedError: it would wait longer than anyone is to, or than it has time.
        """
        wait = self.wait_s()
        if wait > min(self._most_wait_s, timeout_s):
            raise OverloadedError(wait)

    def expect(self, windows: int, seconds: float) -> None:
        """What is known before the first request: so many windows took so long."""
        self._seconds += seconds
        self._done += windows + _REQUEST

    def begin(self, windows: int) -> None:
        """So many windows of a request are under way."""
        if not self._under_way:
            self._since = time.perf_counter()
        self._under_way += windows + _REQUEST

    def end(self, windows: int) -> None:
        """They are answered."""
        now = time.perf_counter()
        self._under_way -= windows + _REQUEST
        self._seconds = _MEMORY * self._seconds + now - self._since
        self._done = _MEMORY * self._done + windows + _REQUEST
        self._since = now


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
