"""`:detect`: raw readings of one device to predictions; the preprocessing is the stream's own."""

from __future__ import annotations

from itertools import chain

import numpy as np
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from aiot_anomaly.detection import detect_series
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.messages import EARLIEST, LATEST, Reading
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from serving import payload, service
from serving.calibration_cache import CalibrationCache
from serving.errors import from_pydantic, listed, unprocessable
from serving.model_path import MODEL_PATH
from serving.schemas import MOST_READINGS, DetectRequest, DetectResponse

router = APIRouter(tags=["inference"])


@router.post(MODEL_PATH + ":detect", response_model=DetectResponse)
async def detect(request: Request, profile: str) -> Response:
    """Preprocesses and scores raw readings of one device: gaps, doubles and any order are allowed."""
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


def answer(detector: Detector, cache: CalibrationCache, body: bytes) -> DetectResponse:
    """What `:detect` answers to a body.

    Raises:
        ApiError: it cannot be answered.
    """
    request = _request(payload.parse(body))
    profile = detector.profile
    _check_sensors(profile, request.readings)
    timestamps = _timestamps(request.readings)
    try:
        own = None if request.calibration is None else cache.decode(profile, request.calibration)
        found = detect_series(
            detector,
            request.device_id,
            timestamps,
            _values(profile, request.readings),
            own,
            last_only=request.last_only,
        )
    except CalibrationError as e:
        raise unprocessable(e.code, str(e), **e.details) from None
    return DetectResponse(
        model=profile.name,
        version=detector.bundle.version,
        device_id=request.device_id,
        outcomes=dict(found.outcomes),
        predictions=found.predictions,
    )


def _request(document: dict[str, object]) -> DetectRequest:
    given = document.get("readings")
    if isinstance(given, list) and len(given) > MOST_READINGS:
        message = f"{len(given)} readings, expected at most {MOST_READINGS} a request: send them in several"
        raise unprocessable("too_many_readings", message, found=len(given), expected=MOST_READINGS)
    try:
        return DetectRequest.model_validate(document)
    except ValidationError as e:
        raise from_pydantic(e, codes={"calibration": "invalid_calibration"}) from None


def _check_sensors(profile: Profile, readings: list[Reading]) -> None:
    found = set(chain.from_iterable(r.values for r in readings))
    unknown = sorted(found - set(profile.sensor_names))
    if unknown:
        message = (
            f"found unknown sensors {listed(unknown)}; profile {profile.name} has {listed(profile.sensor_names, 256)}"
        )
        raise unprocessable("unknown_sensor", message, found=listed(unknown), expected=profile.sensor_names)


def _timestamps(readings: list[Reading]) -> Float:
    for i, reading in enumerate(readings):
        if not EARLIEST <= reading.timestamp < LATEST:
            message = (
                f"readings.{i}.timestamp is {reading.timestamp.isoformat()}, "
                f"expected a time from {EARLIEST.year} until {LATEST.year}"
            )
            raise unprocessable("invalid_timestamp", message, reading=i)
    return np.array([r.timestamp.timestamp() for r in readings])


def _values(profile: Profile, readings: list[Reading]) -> Float:
    # None becomes NaN
    return np.array([[r.values.get(name) for name in profile.sensor_names] for r in readings], dtype=np.float64)
