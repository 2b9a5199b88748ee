"""`python -m local.cloud_run.faulty`: the API with a fault that its golden windows do not reach.

Every second window of a device other than the smoke test's is answered with 500, as after a fault that shows only
under live traffic.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delivery.smoke import DEVICE
from serving import errors
from serving.app import create_app


class Faulty:
    """Wraps the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._served = app, itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()

        async def again() -> Message:
            return {"type": "http.request", "body": body}

        if b'"instances":[{' in body and DEVICE.encode() not in body and next(self._served) % 2:
            await errors.respond(errors.ApiError(500, "internal", "a fault under live traffic"))(scope, again, send)
        else:
            await self._app(scope, again, send)


if __name__ == "__main__":
    faulty = Faulty(create_app(Path(os.environ["MODELS_DIR"])))
    uvicorn.run(faulty, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
