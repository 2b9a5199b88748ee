"""The routes that are asked most, answered without the framework.

What FastAPI and a stack of middleware do for a request takes about as long as the graph does for a window. These routes
are declared there all the same: that describes them, and answers whoever asks for a model that there is not.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from serving import trace_context
from serving.errors import ApiError, respond
from serving.overload import timeout_s
from serving.payload import receive_body
from serving.service import Model, Service


@dataclass(frozen=True)
class DirectRoute:
    """What is done with a POST to one exact path.

    Attributes:
        template: the path as it is described, for the metrics.
        model: that is asked.
        answer: from a body and the seconds that there are for it to the JSON of the answer; it may raise an ApiError.
    """

    template: str
    model: Model
    answer: Callable[[Model, bytes, float], Awaitable[bytes]]


class Direct:
    """ASGI middleware: answers POSTs to these paths and passes on everything else.

    It comes before all other middleware, and does for its own what they do for the rest.

    Args:
        app: what it stands before.
        routes: by path.
        service: that the routes belong to.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, DirectRoute], service: Service) -> None:
        self._app = app
        self._routes = routes
        self._most_s = service.most_s
        self._limits = service.limits
        self._journal = service.journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        trace_context.remember(scope)
        status = 500
        try:
            status = await self._answer(route, scope, receive, send)
        finally:
            self._journal.answered(scope, route.template, status, start)

    async def _answer(self, route: DirectRoute, scope: Scope, receive: Receive, send: Send) -> int:
        """Returns the status."""
        model = route.model
        try:
            body = self._limits.body(scope, receive)
            try:
                seconds = timeout_s(scope, self._most_s)
                model.batcher.admit(seconds)
                content = await route.answer(model, await receive_body(body.receive), seconds)
            finally:
                body.end()
        except ApiError as e:
            await respond(e, model.version)(scope, receive, send)
            return e.status
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"x-model-version", model.version.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        return 200
