"""`:detect`: raw readings of one device to predictions; the preprocessing is the stream's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aiot_anomaly import series as grid
from aiot_anomaly.detection import SeriesScores, score_series, series_records
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.scoring import threshold_factor
from aiot_anomaly.windows import as_datetime
from serving import encoding, payload, readings, service
from serving.answers import DetectResponse
from serving.calibration_cache import CalibrationCache
from serving.errors import unprocessable
from serving.model_path import MODEL_PATH
from serving.schemas import DetectRequest

router = APIRouter(tags=["inference"])


@dataclass(frozen=True)
class Detected:
    """The readings of a device and what they lead to.

    Attributes:
        request: what was asked.
        scores: of the readings.
        last: time of the last reading's point of the grid, in seconds since 1970 UTC.
        records: the predictions, and one that says what is missing where the last alone was asked for and is none.
    """

    request: DetectRequest
    scores: SeriesScores
    last: int
    records: list[dict[str, Any]]


@router.post(MODEL_PATH + ":detect", response_model=DetectResponse)
async def detect(request: Request, profile: str) -> Response:
    """Preprocesses and scores raw readings of one device: gaps, doubles and any order are allowed."""
    s = service.of(request)
    model = s.model(profile)
    request.state.model_version = model.version
    content = await readings.worked(request, partial(_answered, s, model))
    return Response(content, headers={"X-Model-Version": model.version}, media_type="application/json")


def _answered(s: service.Service, model: service.Model, body: bytes) -> bytes:
    found = answered(model.detector, s.calibrations, _document(model.detector, body))
    s.metrics.scored(model.name, found.scores.scores.score)
    return _encoded(model.detector, found)


def answer_alone(detector: Detector, cache: CalibrationCache, body: bytes) -> bytes:
    """What `:detect` answers to a body, without counting anything.

    Raises:
        ApiError: it cannot be answered.
    """
    return _encoded(detector, answered(detector, cache, _document(detector, body)))


def answered(detector: Detector, cache: CalibrationCache, document: dict[str, Any], where: str = "") -> Detected:
    """What the readings of a request lead to; `where` it stands, for the message.

    Raises:
        ApiError: it cannot be answered.
    """
    profile = detector.profile
    request = readings.validated(DetectRequest, document, where)
    timestamps, values = readings.arrays(profile, request.readings)
    given, sensitivity = request.calibration, request.sensitivity
    try:
        own = None if given is None else cache.decode(profile, given.model_dump_json().encode())
        found = score_series(
            detector,
            request.device_id,
            timestamps,
            values,
            own,
            last_only=request.last_only,
            factor=1.0 if sensitivity is None else threshold_factor(sensitivity),
        )
    except CalibrationError as e:
        raise unprocessable(e.code, str(e), **e.details) from None
    last = int(grid.slots(profile, timestamps.max())) * profile.interval_s
    records = series_records(profile, request.device_id, found)
    if request.last_only and not records:
        records = [undecided(request.device_id, last, found.readings_needed)]
    return Detected(request, found, last, records)


def undecided(device_id: str, end: int, readings_needed: int) -> dict[str, Any]:
    """What stands in the place of a prediction for `end`, in seconds since 1970 UTC: see `answers.Undecided`."""
    return {
        "device_id": device_id,
        "window_end": as_datetime(end),
        "is_anomaly": False,
        "score": None,
        "severity": None,
        "reason": "insufficient_history",
        "readings_needed": readings_needed,
    }


def _document(detector: Detector, body: bytes) -> dict[str, Any]:
    readings.check_size(detector.profile, body)
    return payload.parse(body)


def _encoded(detector: Detector, found: Detected) -> bytes:
    return encoding.response(
        detector,
        [encoding.rows(found.records)],
        device_id=found.request.device_id,
        outcomes=found.scores.outcomes,
        readings_needed=found.scores.readings_needed,
    )
