"""An app that is put together while the server already answers what needs no app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """An ASGI app that is there once `make` has run; who asks it before waits for that.

    Args:
        make: puts it together; called in a thread.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._made = asyncio.Event()

    async def make(self) -> None:
        """Puts the app together; it raises whatever that raises, and nobody who waits is ever answered then."""
        self._app = await asyncio.to_thread(self._make)
        self._made.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if self._app is None:
            await self._made.wait()
            assert self._app is not None
        await self._app(scope, receive, send)
