"""Worked examples of requests, from the models that are served, with what they are really answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np
import orjson

from aiot_anomaly.detector import Detector
from aiot_anomaly.windows import as_datetime, last_evaluated
from serving import calibrate, detect, predict
from serving.errors import ApiError, body
from serving.service import Service

#: readings of a `:detect` example at most; a profile with longer windows is shown warming up
_MOST_READINGS = 40


@dataclass(frozen=True)
class Example:
    """A request to a model and its answer."""

    model: str
    request: dict[str, Any]
    status: int
    answer: dict[str, Any]

    @property
    def name(self) -> str:
        """The status and the model, such as `200-skab`."""
        return f"{self.status}-{self.model}"


def examples(service: Service, verb: str) -> list[Example]:
    """For each model, a request that `verb` (predict, …) answers and one that it refuses, as far as both are short."""
    found = []
    for name, detector in service.catalogue.detectors.items():
        for request in _REQUESTS[verb](detector):
            try:
                answer = _answer(service, name, verb, orjson.dumps(request))
                found.append(Example(name, request, HTTPStatus.OK, orjson.loads(answer)))
            except ApiError as e:
                found.append(Example(name, request, e.status, orjson.loads(body(e.code, e.message, e.details))))
    return found


def _answer(service: Service, name: str, verb: str, body: bytes) -> bytes:
    model = service.models[name]
    if verb == "predict":
        return predict.answer_alone(model.detector, model.reader, body)
    if verb == "invocations":
        windows = {field: value for field, value in orjson.loads(body).items() if field != "params"}
        return predict.answer_alone(model.detector, model.reader, orjson.dumps(windows))
    if verb == "calibrate":
        return calibrate.answer_alone(model.detector, body)
    return detect.answer_alone(model.detector, service.calibrations, body)


def table(detector: Detector) -> str:
    """A CSV of readings, as `/invocations` takes it."""
    good, _ = _reading_requests(detector)
    rows = [f"{r['timestamp']},{','.join(map(str, r['values'].values()))}" for r in good["readings"][-2:]]
    return "\n".join([f"timestamp,{','.join(detector.profile.sensor_names)}", *rows, ""])


def _windows(detector: Detector) -> tuple[dict[str, Any], dict[str, Any]]:
    return _window(detector), _wrong_window(detector)


def _window(detector: Detector) -> dict[str, Any]:
    golden = detector.bundle.golden
    end = as_datetime(golden.ends[0]).isoformat()
    return {"instances": [{"device_id": "device-1", "window_end": end, "values": golden.values[0]}]}


def _wrong_window(detector: Detector) -> dict[str, Any]:
    instance = _window(detector)["instances"][0]
    values = [instance["values"][0][:-1], *instance["values"][1:]]
    return {"instances": [{**instance, "values": values}]}


def _reading_requests(detector: Detector) -> tuple[dict[str, Any], dict[str, Any]]:
    profile = detector.profile
    low, high = (np.array(side) for side in zip(*(s.valid_range for s in profile.sensors), strict=True))
    level = np.clip(detector.bundle.fleet.center[0, : len(low)].round(3), low, high)
    values = dict(zip(profile.sensor_names, level.tolist(), strict=True))
    n = min(profile.span, _MOST_READINGS)
    # the last one is where a window ends, so that none is left pending
    last = last_evaluated(profile, detector.bundle.golden.ends[0] // profile.interval_s)
    readings = [
        {"timestamp": as_datetime((last - i) * profile.interval_s).isoformat(), "values": values}
        for i in reversed(range(n))
    ]
    good = {"device_id": "device-1", "readings": readings, "last_only": True}
    return good, {**good, "readings": [{**readings[-1], "values": {"no_such_sensor": 1.0}}]}


def _few_readings(detector: Detector) -> tuple[dict[str, Any], ...]:
    # of enough for a calibration, the description would be megabytes long
    request, _ = _reading_requests(detector)
    return ({"device_id": request["device_id"], "readings": request["readings"][-2:]},)


def _with_params(detector: Detector) -> tuple[dict[str, Any], ...]:
    params = {"profile": detector.profile.name}
    return tuple({**request, "params": params} for request in _windows(detector))


_REQUESTS: dict[str, Callable[[Detector], tuple[dict[str, Any], ...]]] = {
    "predict": _windows,
    "detect": _reading_requests,
    "calibrate": _few_readings,
    "invocations": _with_params,
}
