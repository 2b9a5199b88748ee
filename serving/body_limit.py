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
        deadline = asyncio.get_running_loop().time() + self._seconds
        received = held = 0
        more = True

        async def limited() -> Message:
            nonlocal received, held, more
            if not more:
                # after the body, only that the client went away
                return await receive()
            message = await self._in_time(receive, deadline)
            more = message.get("more_body", False)
            received += len(message.get("body", b""))
            # raised where the route reads its body, so that the answer takes the usual way out
            if received > self._limit:
                raise self._too_large(f"more than {self._limit} bytes")
            if received > _SMALL:
                self._in_flight += received - held
                held = received
                if self._in_flight > self._most_in_flight:
                    raise OverloadedError(1.0)
            return message

        try:
            await self._app(scope, limited, send)
        finally:
            self._in_flight -= held

    async def _in_time(self, receive: Receive, deadline: float) -> Message:
        try:
            async with asyncio.timeout_at(deadline):
                return await receive()
        except TimeoutError:
            text = f"the body did not arrive within {self._seconds:g} s"
            raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", text) from None

    def _too_large(self, found: str) -> ApiError:
        message = f"the body has {found}, expected at most {self._limit}: send fewer instances or readings a request"
        return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", message, limit=self._limit)
