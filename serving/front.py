"""What the server asks: predictions and health are answered here, everything else by the app behind it.

To import FastAPI and to declare its routes takes half as long as all else at the start. A process that can predict is
asked to before that is done: what needs the app waits for it, no longer than it would for the process to be ready.
"""

from __future__ import annotations

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from serving import errors, predict
from serving.direct import Direct
from serving.health import Health
from serving.service import Service


def create(service: Service, app: ASGIApp) -> ASGIApp:
    """The routes that need no framework, before the app that has all of them."""
    direct = Direct(Health(app, service), predict.direct_routes(service), service)
    return ServerErrorMiddleware(direct, handler=errors.failed)
