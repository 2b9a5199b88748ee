"""Refuses request bodies that are too large, too many at once, or too slow, as soon as that is known."""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import Generator
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import ApiError, respond
from serving.overload import OverloadedError

#: bodies up to this size are not counted among those in flight
SMALL = 64 * 1024


class BodyLimits:
    """What the bodies of all requests together may take.

    Args:
        limit: bytes of a body.
        in_flight: bytes of all large bodies together that are held at once; more are refused with 503.
        seconds: within which a body must have come; 408 after that.
    """

    def __init__(self, limit: int, in_flight: int, seconds: float) -> None:
        self.limit = limit
        self.most_in_flight = max(limit, in_flight)
        self.seconds = seconds
        self.in_flight = 0

    def body(self, scope: Scope, receive: Receive) -> Body:
        """The body of a request.

        Raises:
            ApiError: 413 by the Content-Length header.
        """
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self.limit:
                raise self.too_large(f"{int(value[:20])} bytes")
        return Body(self, receive)

    def too_large(self, found: str) -> ApiError:
        """413, of a body that has been found to have so much."""
        message = f"the body has {found}, expected at most {self.limit}: send fewer instances or readings a request"
        return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", message, limit=self.limit)


class Body:
    """A body that is received within limits; `end` it once it is held no longer."""

    def __init__(self, limits: BodyLimits, receive: Receive) -> None:
        self._limits = limits
        self._receive = receive
        self._deadline = time.monotonic() + limits.seconds
        self._received = self._held = 0
        self._more = True

    async def receive(self) -> Message:
        """In place of ASGI's own.

        Raises:
            ApiError: where the route reads its body, so that the answer takes the usual way out: 413 once more has
                come than may, 408 where it does not come in time, 503 where there are too many large ones.
        """
        if not self._more:
            # after the body, only that the client went away
            return await self._receive()
        message = await self._in_time()
        self._more = message.get("more_body", False)
        self._received += len(message.get("body", b""))
        limits = self._limits
        if self._received > limits.limit:
            raise limits.too_large(f"more than {limits.limit} bytes")
        if self._received > SMALL:
            limits.in_flight += self._received - self._held
            self._held = self._received
            if limits.in_flight > limits.most_in_flight:
                raise OverloadedError(1.0)
        return message

    async def _in_time(self) -> Message:
        # most bodies are there already, and a timer for each would cost as much as all else here
        steps = self._receive().__await__()
        try:
            pending = next(steps)
        except StopIteration as at_once:
            return at_once.value  # type: ignore[no-any-return] # what `receive` returns
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                return await _resumed(steps, pending)
        except TimeoutError:
            text = f"the body did not arrive within {self._limits.seconds:g} s"
            raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", text) from None

    def end(self) -> None:
        """Its bytes are in flight no longer."""
        self._limits.in_flight -= self._held


@types.coroutine
def _resumed(steps: Generator[Any, None, Message], pending: Any) -> Generator[Any, None, Message]:
    """Goes on with an awaitable whose first step was taken, and waits for `pending`."""
    try:
        yield pending
    except BaseException:
        steps.close()
        raise
    return (yield from steps)


class BodyLimit:
    """ASGI middleware: no body goes beyond these limits."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, counting what its body brings."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = self._limits.body(scope, receive)
        except ApiError as e:
            await respond(e)(scope, receive, send)
            return
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.end()
