"""Refuses request bodies that are too large, too many at once, or too slow, as soon as that is known."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import ApiError, respond
from serving.overload import OverloadedError

#: bodies up to this size are not counted among those in flight
_SMALL = 64 * 1024


class BodyLimit:
    """ASGI middleware: 413 by the Content-Length header, or once more than `limit` bytes have come without one.

    Args:
        app: what it stands before.
        limit: bytes of a body.
        in_flight: bytes of all large bodies together that are held at once; more are refused with 503.
        seconds: within which a body must have come; 408 after that.
    """

    def __init__(self, app: ASGIApp, limit: int, in_flight: int, seconds: float) -> None:
        self._app = app
        self._limit = limit
        self._most_in_flight = max(limit, in_flight)
        self._seconds = seconds
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, counting what its body brings."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self._limit:
                await respond(self._too_large(f"{int(value[:20])} bytes"))(scope, receive, send)
                return
        body = _Body(self, receive)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._in_flight -= body.held

    def _too_large(self, found: str) -> ApiError:
        message = f"the body has {found}, expected at most {self._limit}: send fewer instances or readings a request"
        return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", message, limit=self._limit)

    def hold(self, more: int, received: int) -> None:
        """Counts bytes of a body of which so many have been received; raises an ApiError if they are too many."""
        if received > self._limit:
            # raised where the route reads its body, so that the answer takes the usual way out
            raise self._too_large(f"more than {self._limit} bytes")
        if self._in_flight + more > self._most_in_flight:
            raise OverloadedError(1.0)
        self._in_flight += more

    async def wait(self, receive: Receive, deadline: float) -> Message:
        """The next message; raises an ApiError if it does not come in time."""
        try:
            async with asyncio.timeout_at(deadline):
                return await receive()
        except TimeoutError:
            message = f"the body did not arrive within {self._seconds:g} s"
            raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", message) from None

    def deadline(self) -> float:
        """The event loop's time by which a body that begins now must have come."""
        return asyncio.get_running_loop().time() + self._seconds


class _Body:
    """The body of one request as it comes."""

    def __init__(self, limit: BodyLimit, receive: Receive) -> None:
        self._limit = limit
        self._receive = receive
        self._deadline = 0.0
        self._received = 0
        self._more = True
        #: bytes that count as in flight
        self.held = 0

    async def receive(self) -> Message:
        """The ASGI receive channel."""
        if not self._more:
            # after the body, only that the client went away
            return await self._receive()
        self._deadline = self._deadline or self._limit.deadline()
        message = await self._limit.wait(self._receive, self._deadline)
        self._received += len(message.get("body", b""))
        self._more = message.get("more_body", False)
        if self._received > _SMALL:
            self._limit.hold(self._received - self.held, self._received)
            self.held = self._received
        elif self._received:
            self._limit.hold(0, self._received)
        return message
