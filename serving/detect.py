"""`:detect`: raw readings of one device to predictions; the preprocessing is the stream's own."""

from __future__ import annotations

import asyncio
from itertools import chain

import numpy as np
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from aiot_anomaly.detection import SeriesScores, score_series, series_records
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.messages import EARLIEST, LATEST, Reading
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from serving import encoding, payload, service
from serving.calibration_cache import CalibrationCache
from serving.errors import from_pydantic, listed, unprocessable
from serving.model_path import MODEL_PATH
from serving.overload import timeout_s
from serving.schemas import MOST_READINGS, DetectRequest, DetectResponse

router = APIRouter(tags=["inference"])


@router.post(MODEL_PATH + ":detect", response_model=DetectResponse)
async def detect(request: Request, profile: str) -> Response:
    """Preprocesses and scores raw readings of one device: gaps, doubles and any order are allowed."""
    s = service.of(request)
    detector = s.catalogue.get(profile)
    request.state.model_version = detector.bundle.version
    time = timeout_s(request.scope, s.most_s)
    s.workers.admit(time)
    body = await request.body()
    deadline = asyncio.get_running_loop().time() + time
    content = await s.workers.run(deadline, _answered, s, detector, body)
    return Response(content, headers={"X-Model-Version": detector.bundle.version}, media_type="application/json")


def _answered(s: service.Service, detector: Detector, body: bytes) -> bytes:
    device_id, found = scored(detector, s.calibrations, body)
    s.metrics.scored(detector.profile.name, found.scores.score)
    return encoded(detector, device_id, found)


def answer_alone(detector: Detector, cache: CalibrationCache, body: bytes) -> bytes:
    """What `:detect` answers to a body, without counting anything.

    Raises:
        ApiError: it cannot be answered.
    """
    return encoded(detector, *scored(detector, cache, body))


def encoded(detector: Detector, device_id: str, found: SeriesScores) -> bytes:
    """The scores of a device's readings as the answer."""
    rows = encoding.rows(series_records(detector.profile, device_id, found))
    return encoding.response(detector, [rows], device_id=device_id, outcomes=found.outcomes)


def scored(detector: Detector, cache: CalibrationCache, body: bytes) -> tuple[str, SeriesScores]:
    """The device that a body is of, and the scores of its readings.

    Raises:
        ApiError: they cannot be had.
    """
    profile = detector.profile
    # of each reading its object, its time and its sensors; and a few values beside them
    payload.check_size(body, (MOST_READINGS + 1) * (len(profile.sensors) + 4) + 64)
    request = _request(payload.parse(body))
    _check_sensors(profile, request.readings)
    timestamps = _timestamps(request.readings)
    try:
        given = request.calibration
        own = None if given is None else cache.decode(profile, given.model_dump_json().encode())
        found = score_series(
            detector,
            request.device_id,
            timestamps,
            _values(profile, request.readings),
            own,
            last_only=request.last_only,
        )
    except CalibrationError as e:
        raise unprocessable(e.code, str(e), **e.details) from None
    return request.device_id, found


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
