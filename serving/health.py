"""Whether the process is alive and answers predictions: asked from the first moment on, so without the framework."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import trace_context
from serving.errors import ApiError, respond
from serving.service import Service

LIVE_PATH, READY_PATH = "/health/live", "/health/ready"


def live(_service: Service) -> dict[str, Any]:
    """The process answers: the fields of `answers.Alive`."""
    return {"status": "alive"}


def ready(service: Service) -> dict[str, Any]:
    """Predictions are answered: the fields of `answers.Ready`.

    Raises:
        ApiError: 503, once the process is to end.
    """
    if service.lifecycle.draining:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "draining", "the process was told to end")
    return {"status": "ready", "models": {name: model.version for name, model in service.models.items()}}


_ANSWERS: dict[str, Callable[[Service], dict[str, Any]]] = {LIVE_PATH: live, READY_PATH: ready}


class Health:
    """ASGI middleware: answers GETs of health and passes on everything else.

    The routes are declared in `serving.describe` all the same: that describes them, and refuses other methods.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        answer = _ANSWERS.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        trace_context.remember(scope)
        try:
            response = Response(orjson.dumps(answer(self._service)), media_type="application/json")
        except ApiError as e:
            response = respond(e)
        await response(scope, receive, send)
        self._service.journal.answered(scope, scope["path"], response.status_code, start)
