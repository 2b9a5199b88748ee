"""The application: models loaded, routes and middleware put together."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from serving import calibrate, catalogue, describe, detect, errors, invocations, openapi, predict, vertex
from serving import service as services
from serving.body_limit import BodyLimit, BodyLimits
from serving.direct import Direct
from serving.metrics import Journal, Measured
from serving.settings import Settings, SettingsError
from serving.trace_context import Traced


def create_app(models_dir: Path, settings: Settings | None = None) -> FastAPI:
    """The service with every bundle in `models_dir` loaded.

    Raises:
        BundleError: there is no bundle, or one is not whole.
        SettingsError: the default profile has no bundle.
    """
    settings = settings or Settings()
    service = services.create(catalogue.load(models_dir), settings)
    if settings.default_profile not in {"", *service.models}:
        served = ", ".join(service.models)
        raise SettingsError(f"DEFAULT_PROFILE={settings.default_profile!r}: expected one of {served}")
    app = FastAPI(
        title="AIoT anomaly detection",
        description="Decides whether windows of sensor readings are anomalous, and says which sensor and how sure.",
        version="1",
        redoc_url=None,
        redirect_slashes=False,
        # `serving.spans` traces, and where it does not, nothing is to be asked at each request
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    for router in (predict.router, detect.router, calibrate.router, describe.router, invocations.router):
        app.include_router(router)
    vertex.install(app, settings)
    errors.install(app)
    openapi.install(app, service)
    limits = BodyLimits(settings.max_body_bytes, settings.max_bytes_in_flight, settings.body_timeout_s)
    journal = Journal(service.metrics, settings.access_log)
    # the last one comes first
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(Measured, journal=journal)
    app.add_middleware(Traced)
    direct = predict.direct_routes(service)
    app.add_middleware(Direct, routes=direct, most_s=service.most_s, limits=limits, journal=journal)
    return app
