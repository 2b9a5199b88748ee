"""Refuses a request body that is too large, as soon as that is known."""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import ApiError, respond


class BodyLimit:
    """ASGI middleware: 413 by the Content-Length header, or once more than `limit` bytes have come without one."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, counting what its body brings."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
        if declared.isdigit() and int(declared[:20]) > self._limit:
            await respond(self._too_large(f"{int(declared[:20])} bytes"))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                # raised where the route reads its body, so that the answer takes the usual way out
                raise self._too_large(f"more than {self._limit} bytes")
            return message

        await self._app(scope, counted, send)

    def _too_large(self, found: str) -> ApiError:
        message = f"the body has {found}, expected at most {self._limit}: send fewer instances or readings a request"
        return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", message, limit=self._limit)
