"""The server's end: no request that was sent is lost.

SIGTERM: readiness turns to 503, so that whoever balances load sends no more; each answer closes its connection, so that
clients open their next one elsewhere; and only then does the server stop listening and end what is under way.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from types import FrameType
from typing import Any

import uvicorn

from serving.connection_limits import ConnectionLimits
from serving.offers import Offers
from serving.one_write import OneWrite
from serving.quick import Quick, QuickRoute
from serving.service import Service

#: Cloud Run kills a container 10 s after SIGTERM
_GRACE_S = 9.5
#: longer than what balancers and clients keep a connection for, so that they, who know what is under way, close it
_KEEP_ALIVE_S = 75
#: a tenth of a second each, without a connection or an answer, after which nobody is expected to come again
_ALONE_TICKS = 5


class Server(uvicorn.Server):
    """uvicorn, with a time between the signal and the end in which it still answers.

    Args:
        service: that is told.
        config: of uvicorn; see `create`.
        drain_s: for how long it still answers, unless nobody comes for half a second.
        begin: what is to be done once it listens, if anything; the server ends if that fails.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        drain_s: float,
        begin: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> None:
        super().__init__(config)
        self._service = service
        self._drain_s = drain_s
        self._begin = begin
        self._end: float | None = None
        self._answered = 0
        self._ticks_alone = 0
        self._is_closed = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM drains; a second one, or Ctrl-C, ends it as uvicorn does."""
        if sig != signal.SIGTERM or self._end is not None:
            super().handle_exit(sig, frame)
            return
        self._end = time.monotonic() + self._drain_s
        self._service.lifecycle.draining = True
        closing = (b"connection", b"close")
        self.config.encoded_headers.append(closing)
        self.server_state.default_headers = [*self.server_state.default_headers, closing]

    async def main_loop(self) -> None:
        """Serves until it is time to end."""
        async with asyncio.TaskGroup() as group:
            if self._begin is not None:
                group.create_task(self._begin())
            await super().main_loop()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: whether it is time to end."""
        if self._end is not None:
            self._drain(self._end)
        return await super().on_tick(counter)

    def _drain(self, end: float) -> None:
        answered = self.server_state.total_requests
        is_alone = not self.server_state.connections and answered == self._answered
        self._ticks_alone = self._ticks_alone + 1 if is_alone else 0
        self._answered = answered
        # one who has been answered, with `connection: close`, may be about to come again
        if time.monotonic() < end and self._ticks_alone < _ALONE_TICKS:
            return
        if self._is_closed:
            self.should_exit = True
        # who came before it was closed has until the next tick to be read: then uvicorn hangs up on who asks nothing
        for listening in self.servers:
            listening.close()
        self._is_closed = True


def create(
    service: Service,
    app: object,
    host: str,
    port: int,
    quick: Mapping[bytes, QuickRoute],
    begin: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> Server:
    """A server of this app, to be run.

    Args:
        service: that the app serves.
        app: answers whatever is not answered without it.
        host: the address to listen on.
        port: the port to listen on.
        quick: what may be answered without the app, by path.
        begin: see `Server`.
    """

    class Protocol(OneWrite, ConnectionLimits, Quick, Offers):
        routes = quick

    drain_s = service.settings.drain_ms / 1000
    config = uvicorn.Config(
        app,  # type: ignore[arg-type] # FastAPI's types and uvicorn's do not name each other
        host=host,
        port=port,
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, int(_GRACE_S - drain_s)),
    )
    return Server(config, service, drain_s, begin)
