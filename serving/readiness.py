"""Whether predictions are answered: asked from the first moment on, so it is said without the framework."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import trace_context
from serving.errors import ApiError, respond
from serving.service import Service

READY_PATH = "/health/ready"


def ready(service: Service) -> dict[str, Any]:
    """What is answered: the fields of `answers.Ready`.

    Raises:
        ApiError: 503, once the process is to end.
    """
    if service.lifecycle.draining:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "draining", "the process was told to end")
    return {"status": "ready", "models": {name: model.version for name, model in service.models.items()}}


class Readiness:
    """ASGI middleware: answers GET /health/ready and passes on everything else.

    The route is declared in `serving.describe` all the same: that describes it, and refuses other methods.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] != "http" or scope["path"] != READY_PATH or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        trace_context.remember(scope)
        try:
            response = Response(orjson.dumps(ready(self._service)), media_type="application/json")
        except ApiError as e:
            response = respond(e)
        await response(scope, receive, send)
        self._service.journal.answered(scope, READY_PATH, response.status_code, start)
