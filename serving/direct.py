"""The routes that are asked most, answered without the framework.

What FastAPI does for a request takes about as long as the graph does for a window. These routes are declared there all
the same: that describes them, and answers whoever asks for a model that there is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import ApiError, respond
from serving.overload import timeout_s
from serving.payload import receive_body
from serving.service import Model


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
    """ASGI middleware: answers POSTs to these paths and passes on everything else."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, DirectRoute], most_s: float) -> None:
        self._app = app
        self._routes = routes
        self._most_s = most_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route_template"] = route.template
        model = route.model
        try:
            time = timeout_s(scope, self._most_s)
            model.batcher.admit(time)
            content = await route.answer(model, await receive_body(receive), time)
        except ApiError as e:
            await respond(e, model.version)(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"x-model-version", model.version.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
