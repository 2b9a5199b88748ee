"""What is served, its health and its numbers."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from aiot_anomaly.detector import Detector
from serving import health, service
from serving.answers import Alive, ModelDescription, ModelList, ModelName, Ready, WindowDescription
from serving.catalogue import Catalogue
from serving.model_path import MODEL_PATH

router = APIRouter()


@router.get("/v1/models", tags=["models"])
async def list_models(request: Request) -> ModelList:
    """The models that are served."""
    return model_list(service.of(request).catalogue)


@router.get(MODEL_PATH, tags=["models"])
async def get_model(request: Request, response: Response, profile: str) -> ModelDescription:
    """What a client needs to know of a model: sensors, window, threshold, where it is from, and its profile."""
    detector = service.of(request).catalogue.get(profile)
    response.headers["X-Model-Version"] = detector.bundle.version
    return model_description(detector)


@router.get(health.LIVE_PATH, tags=["health"])
async def live() -> Alive:
    """The process answers."""
    return Alive(status="alive")


@router.get(health.READY_PATH, tags=["health"])
async def ready(request: Request) -> Ready:
    """The models are loaded and gave their golden scores; 503 once the process is to end."""
    return readiness_of(service.of(request))


@router.get("/metrics", tags=["health"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Prometheus metrics."""
    return Response(service.of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)


def model_list(catalogue: Catalogue) -> ModelList:
    """What `GET /v1/models` answers."""
    return ModelList(
        models=[
            ModelName(name=name, version=d.bundle.version, title=d.profile.title)
            for name, d in catalogue.detectors.items()
        ]
    )


def readiness_of(s: service.Service) -> Ready:
    """What `GET /health/ready` answers, unless it is refused."""
    return Ready.model_validate(health.ready(s))


def model_description(detector: Detector) -> ModelDescription:
    """What `GET /v1/models/{profile}` answers."""
    profile, manifest = detector.profile, detector.bundle.manifest
    window = profile.window
    return ModelDescription(
        name=profile.name,
        version=manifest.version,
        title=profile.title,
        description=profile.description,
        sensors=list(profile.sensors),
        input_names=list(profile.input_names),
        window=WindowDescription(
            steps=window.steps,
            step=window.step,
            aggregate=window.aggregate,
            stride=window.stride,
            interval_s=profile.interval_s,
            readings_needed=profile.span,
        ),
        threshold=manifest.threshold,
        metrics=manifest.metrics,
        training_range=manifest.training_range,
        mlflow_run_id=manifest.mlflow_run_id,
        git_commit=manifest.git_commit,
        data_fingerprint=manifest.data_fingerprint,
        devices=len(detector.bundle.devices),
        profile=profile,
    )
