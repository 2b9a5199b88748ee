"""`:calibrate`: a device's own normal readings to what is normal for it, without any training."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aiot_anomaly.calibration import encode
from aiot_anomaly.detector import Detector
from aiot_anomaly.device_calibration import calibrate_series
from aiot_anomaly.errors import CalibrationError
from serving import payload, readings, service
from serving.answers import CalibrateResponse
from serving.errors import unprocessable
from serving.model_path import MODEL_PATH
from serving.schemas import CalibrateRequest

router = APIRouter(tags=["inference"])


@router.post(MODEL_PATH + ":calibrate", response_model=CalibrateResponse)
async def calibrate(request: Request, profile: str) -> Response:
    """Computes what is normal for one device from its readings of normal operation; nothing is kept here."""
    model = service.of(request).model(profile)
    request.state.model_version = model.version
    content = await readings.worked(request, partial(answer_alone, model.detector))
    return Response(content, headers={"X-Model-Version": model.version}, media_type="application/json")


def answer_alone(detector: Detector, body: bytes) -> bytes:
    """What `:calibrate` answers to a body.

    Raises:
        ApiError: it cannot be answered; `insufficient_history` where more readings are needed.
    """
    profile = detector.profile
    readings.check_size(profile, body)
    request = readings.validated(CalibrateRequest, payload.parse(body))
    try:
        found = calibrate_series(detector, *readings.arrays(profile, request.readings))
    except CalibrationError as e:
        raise unprocessable(e.code, str(e), **e.details) from None
    answer = CalibrateResponse(
        model=profile.name,
        version=detector.bundle.version,
        device_id=request.device_id,
        windows=found.calibration.windows,
        outcomes=dict(found.outcomes),
        calibration=encode(profile, found.calibration),
    )
    return answer.model_dump_json().encode()
