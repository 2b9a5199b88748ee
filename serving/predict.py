"""`:predict`: windows of any devices to predictions."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.detection import first_not_finite
from aiot_anomaly.detector import Detector, Source, prediction
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.windows import Windows
from serving import payload, service, window_values
from serving.calibration_cache import CalibrationCache
from serving.errors import from_pydantic, unprocessable
from serving.model_path import MODEL_PATH
from serving.schemas import MOST_INSTANCES, Instance, PredictRequest, PredictResponse

router = APIRouter(tags=["inference"])
_CODES = {"window_end": "invalid_window_end", "calibration": "invalid_calibration"}


@router.post(MODEL_PATH + ":predict", response_model=PredictResponse)
async def predict(request: Request, profile: str) -> Response:
    """Scores windows: in physical units, columns as `input_names`; score 1.0 is the threshold."""
    s = service.of(request)
    detector = s.catalogue.get(profile)
    request.state.model_version = detector.bundle.version
    body = await request.body()
    content = await s.run(_answered, s, detector, body)
    return Response(content, headers={"X-Model-Version": detector.bundle.version}, media_type="application/json")


def _answered(s: service.Service, detector: Detector, body: bytes) -> bytes:
    found = answer(detector, s.calibrations, body)
    s.metrics.scored(found.model, found.predictions)
    return found.model_dump_json().encode()


def answer(detector: Detector, cache: CalibrationCache, body: bytes) -> PredictResponse:
    """What `:predict` answers to a body.

    Raises:
        ApiError: it cannot be answered.
    """
    instances = _instances(payload.parse(body))
    found = window_values.check(detector.profile, [i.values for i in instances])
    chosen = Windows(
        np.array([int(i.window_end.timestamp()) for i in instances], dtype=np.int64),
        found.values,
        np.ones(len(instances), dtype=bool),
        found.out_of_range,
    )
    used = [_calibration(detector, cache, instance, i) for i, instance in enumerate(instances)]
    scores = detector.score(chosen, [c for c, _ in used])
    bad = first_not_finite(scores)
    if bad is not None:
        code = "not_finite" if instances[bad].calibration is None else "invalid_calibration"
        raise unprocessable(code, f"instance {bad}: its values and calibration lead to a score that is not finite")
    return PredictResponse(
        model=detector.profile.name,
        version=detector.bundle.version,
        predictions=[
            prediction(detector.profile, instance.device_id, chosen, scores, i, used[i][1])
            for i, instance in enumerate(instances)
        ],
    )


def _instances(document: dict[str, object]) -> list[Instance]:
    given = document.get("instances")
    if isinstance(given, list) and len(given) > MOST_INSTANCES:
        message = f"{len(given)} instances, expected at most {MOST_INSTANCES} a request: send them in several"
        raise unprocessable("too_many_instances", message, found=len(given), expected=MOST_INSTANCES)
    try:
        request = PredictRequest.model_validate(document)
    except ValidationError as e:
        raise from_pydantic(e) from None
    return [_instance(i, instance) for i, instance in enumerate(request.instances)]


def _instance(i: int, given: object) -> Instance:
    try:
        return Instance.model_validate(given)
    except ValidationError as e:
        raise from_pydantic(e, f"instance {i}", _CODES) from None


def _calibration(detector: Detector, cache: CalibrationCache, instance: Instance, i: int) -> tuple[Calibration, Source]:
    if instance.calibration is None:
        return detector.calibration(instance.device_id)
    try:
        own = cache.decode(detector.profile, instance.calibration)
    except CalibrationError as e:
        raise unprocessable(e.code, f"instance {i}: {e}", **e.details) from None
    return detector.calibration(instance.device_id, own)
