"""The HTTP front: `/services/<service>/…` to whom the traffic says, `/services/<service>/tags/<tag>/…` to one revision.

In the cloud each service and each tag has a host of its own; one port and a path are the same to a client that takes
the URL from the API.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.cloud_run.admin import Admin
from local.cloud_run.request_counts import RequestCounts

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


class Front:
    """Forwards and counts requests."""

    def __init__(self, admin: Admin, counts: RequestCounts) -> None:
        self._admin, self._counts = admin, counts

    def app(self, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]) -> Starlette:
        """The application; `lifespan` is what else runs as long as it."""
        routes = [
            Route("/", self._here),
            Route("/services/{service}/tags/{tag}/{path:path}", self._forward, methods=_METHODS),
            Route("/services/{service}/{path:path}", self._forward, methods=_METHODS),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    async def _here(self, _request: Request) -> Response:
        return PlainTextResponse("Cloud Run on one machine")

    async def _forward(self, request: Request) -> Response:
        service, tag = self._admin.services.get(request.path_params["service"]), request.path_params.get("tag")
        name = service and (service.tagged(tag) if tag else service.next())
        if service is None or not name:
            return PlainTextResponse("no such service or tag", 404)
        path = "/" + request.path_params["path"]
        if request.url.query:
            path += f"?{request.url.query}"
        body = await request.body()
        answer = await service.revisions[name].forward(request.method, path, dict(request.headers), body)
        self._counts.answered(service.name, name, answer.status)
        return Response(answer.body, answer.status, answer.headers)
