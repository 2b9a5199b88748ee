"""The application: models loaded, routes and middleware put together."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from serving import calibrate, describe, detect, errors, invocations, openapi, predict, predict_route, vertex
from serving import service as services
from serving.body_limit import BodyLimit
from serving.direct import Direct
from serving.metrics import Measured
from serving.service import Service
from serving.settings import Settings
from serving.trace_context import Traced


def create_app(models_dir: Path, settings: Settings | None = None) -> FastAPI:
    """The service with every bundle in `models_dir` loaded.

    Raises:
        BundleError: there is no bundle, or one is not whole.
        SettingsError: the default profile has no bundle.
    """
    service = services.load(models_dir, settings or Settings())
    app = of_service(service)
    app.add_middleware(Direct, routes=predict.direct_routes(service), service=service)
    return app


def of_service(service: Service) -> FastAPI:
    """All the routes of a service, those too that `serving.front` answers before they are asked here."""
    app = FastAPI(
        title="AIoT anomaly detection",
        description="Decides whether windows of sensor readings are anomalous, and says which sensor and how sure.",
        version="1",
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict(errors.HANDLERS),
        # `serving.spans` traces, and where it does not, nothing is to be asked at each request
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    for router in (predict_route.router, detect.router, calibrate.router, describe.router, invocations.router):
        app.include_router(router)
    vertex.install(app, service.settings)
    openapi.install(app, service)
    # the last one comes first
    app.add_middleware(BodyLimit, limits=service.limits)
    app.add_middleware(Measured, journal=service.journal)
    app.add_middleware(Traced)
    return app
