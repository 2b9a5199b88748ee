"""From the bytes of a `:predict` body to windows that can be scored.

The usual body is decoded by msgspec, straight into the types that it must have, one instance at a time: so a large
body never stands in memory as Python objects. Whatever does not fit at once goes the slow way, through pydantic and
`WindowForm.check`, which finds the fault and says it; only that way decides what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np
from pydantic import ValidationError

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.detector import Detector, Source
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.scoring import threshold_factor
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows
from serving import payload
from serving.calibration_cache import CalibrationCache
from serving.errors import from_pydantic, unprocessable
from serving.schemas import MOST_INSTANCES, Instance, Parameters, PredictRequest, time_of
from serving.window_values import WindowForm

#: instances that are read, scored and answered together: enough for the graph to be at its best, few enough that
#: others need not wait long
PART = 64
_CODES = {"window_end": "invalid_window_end", "calibration": "invalid_calibration"}
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)


_Sensitivity = Annotated[float, msgspec.Meta(ge=0, le=100)]


class _Parameters(msgspec.Struct, forbid_unknown_fields=True):
    sensitivity: _Sensitivity | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    instances: list[msgspec.Raw]
    parameters: _Parameters | None = None


class _Instance(msgspec.Struct, forbid_unknown_fields=True):
    device_id: str
    window_end: str
    values: list[list[float]]
    calibration: msgspec.Raw = msgspec.Raw(b"null")
    sensitivity: _Sensitivity | None = None


#: device, end, values (T, F), and the calibration and the sensitivity that came along
_Read = tuple[str, int, Float, Calibration | None, float | None]
_BODY = msgspec.json.Decoder(_Body)
_INSTANCE = msgspec.json.Decoder(_Instance)


@dataclass(frozen=True)
class Instances:
    """Windows of any devices of one profile, ready to be scored.

    Attributes:
        device_ids: (n) whose they are.
        windows: n complete windows.
        calibrations: (n) what is normal for each device.
        sources: (n) whose calibration each is.
        factors: (n,) what the model's threshold is multiplied by.
        own: (n) whether a calibration came with the window.
        first: index of the first of them in its request.
    """

    device_ids: Sequence[str]
    windows: Windows
    calibrations: Sequence[Calibration]
    sources: Sequence[Source]
    factors: Float
    own: Sequence[bool]
    first: int = 0

    def __len__(self) -> int:
        return len(self.device_ids)


class Reader:
    """Reads the bodies of one model's requests."""

    def __init__(self, detector: Detector, cache: CalibrationCache) -> None:
        self._detector = detector
        self._cache = cache
        self._form = WindowForm(detector.profile)
        steps, inputs = self._form.shape
        #: JSON values that a body has at most: those of its windows, and a few beside them
        self._most_values = MOST_INSTANCES * (steps * (inputs + 1) + 32)

    def parts(self, body: bytes) -> Iterator[Instances]:
        """The instances of a body, `PART` at a time.

        Raises:
            ApiError: it cannot be answered; a fault of a late instance is found when its part is read.
        """
        payload.check_size(body, self._most_values)
        given = _Given(body)
        for at in range(0, len(given), PART):
            yield self._part(given, at)

    def _part(self, given: _Given, first: int) -> Instances:
        of = range(first, min(first + PART, len(given)))
        values, ends = np.empty((len(of), *self._form.shape)), np.empty(len(of), dtype=np.int64)
        devices: list[str] = []
        calibrations: list[Calibration] = []
        sources: list[Source] = []
        own = []
        factors = np.ones(len(of))
        for i, at in enumerate(of):
            try:
                device, ends[i], values[i], calibration, sensitivity = self._usual(given, at) or self._any(given, at)
            except CalibrationError as e:
                raise unprocessable(e.code, f"instance {at}: {e}", **e.details) from None
            used, source = self._detector.calibration(device, calibration)
            devices.append(device)
            calibrations.append(used)
            sources.append(source)
            own.append(calibration is not None)
            sensitivity = given.sensitivity if sensitivity is None else sensitivity
            if sensitivity is not None:
                factors[i] = threshold_factor(sensitivity)
        windows = Windows(ends, values, np.ones(len(of), dtype=bool), self._form.clear(values, first))
        return Instances(devices, windows, calibrations, sources, factors, own, first)

    def _usual(self, given: _Given, at: int) -> _Read | None:
        """An instance without a fault; None where there may be one."""
        try:
            one = _INSTANCE.decode(given.raw[at])
            end = int(time_of(one.window_end).timestamp())
            text = bytes(one.calibration)
            own = None if text == b"null" else self._cache.decode(self._form.profile, text)
        except (ValueError, RecursionError):
            return None
        if not self._form.fits(one.values) or _DEVICE_ID.fullmatch(one.device_id) is None:
            return None
        steps, inputs = self._form.shape
        flat = np.fromiter(chain.from_iterable(one.values), np.float64, steps * inputs)
        return one.device_id, end, flat.reshape(steps, inputs), own, one.sensitivity

    def _any(self, given: _Given, at: int) -> _Read:
        try:
            one = Instance.model_validate(given.objects[at])
        except ValidationError as e:
            raise from_pydantic(e, f"instance {at}", _CODES) from None
        values = self._form.check(one.values, f"instance {at}")
        document = one.calibration
        own = None if document is None else self._cache.decode(self._form.profile, document.model_dump_json().encode())
        return one.device_id, int(one.window_end.timestamp()), values, own, one.sensitivity


class _Given:
    """The instances of a body: as text, and as objects if it comes to that."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        try:
            document = _BODY.decode(body)
            usual = 0 < len(document.instances) <= MOST_INSTANCES
            parameters: _Parameters | Parameters | None = document.parameters
        except (ValueError, RecursionError):
            usual = False
        if not usual:
            parameters = self._request.parameters
        #: of all instances that do not say their own
        self.sensitivity = None if parameters is None else parameters.sensitivity
        self.raw: Sequence[msgspec.Raw | bytes] = document.instances if usual else [b""] * len(self.objects)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def objects(self) -> list[Any]:
        """As objects.

        Raises:
            ApiError: the body is not JSON or not of the request's form.
        """
        return self._request.instances

    @cached_property
    def _request(self) -> PredictRequest:
        document = payload.parse(self._body)
        given = document.get("instances")
        if isinstance(given, list) and len(given) > MOST_INSTANCES:
            message = f"{len(given)} instances, expected at most {MOST_INSTANCES} a request: send them in several"
            raise unprocessable("too_many_instances", message, found=len(given), expected=MOST_INSTANCES)
        try:
            return PredictRequest.model_validate(document)
        except ValidationError as e:
            raise from_pydantic(e) from None
