"""From the bytes of a `:predict` body to windows that can be scored.

The usual body is read by simdjson, see `serving.usual_body`, and its numbers become arrays without ever being Python
objects. Whatever does not fit at once goes the slow way, through pydantic and `WindowForm.check`, which finds the fault
and says it; only that way decides what is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from pydantic import ValidationError

from aiot_anomaly.calibration import Calibration, shapes
from aiot_anomaly.detector import Detector, Source
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.scoring import threshold_factor
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows
from serving import payload
from serving.calibration_cache import CalibrationCache
from serving.errors import from_pydantic, unprocessable
from serving.schemas import MOST_INSTANCES, Instance, PredictRequest, time_of
from serving.usual_body import UsualForm
from serving.window_values import WindowForm

#: instances that are read, scored and answered together: enough for the graph to be at its best, few enough that
#: others need not wait long
PART = 64
#: bytes that a calibration has at most beside its numbers
_NAMES_TAKE = 4096
_CODES = {"window_end": "invalid_window_end", "calibration": "invalid_calibration"}
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
#: times that are kept, of so many characters at most: a fleet's windows end at the same ones
_TIMES, _TIME_TAKES = 1024, 40
#: device, end, the (T, F) numbers lying one after the other, and the calibration and the sensitivity that came along
_Read = tuple[str, int, Any, Calibration | None, float | None]
#: of a whole part's windows, whatever they are: shared, as it never changes
_COMPLETE = np.ones(PART, dtype=bool)
_COMPLETE.flags.writeable = False


@dataclass(frozen=True)
class Instances:
    """Windows of any devices of one profile, ready to be scored.

    Attributes:
        device_ids: (n) whose they are.
        windows: n complete windows.
        calibrations: (n) what is normal for each device.
        sources: (n) whose calibration each is.
        factors: (n,) what the model's threshold is multiplied by, or 1.0 where it is moved for none of them.
        own: (n) whether a calibration came with the window.
        first: index of the first of them in its request.
    """

    device_ids: Sequence[str]
    windows: Windows
    calibrations: Sequence[Calibration]
    sources: Sequence[Source]
    factors: Float | float
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
        numbers = sum(math.prod(shape) for shape in shapes(detector.profile).values())
        #: of a calibration: 8 bytes a number make 11 characters, and there are a few names beside them
        self._most_of_calibration = 16 * numbers + _NAMES_TAKE
        #: JSON values that a body has at most: those of its windows, and a few beside them
        self._most_values = MOST_INSTANCES * (steps * (inputs + 1) + 32)
        self._usual_form = UsualForm(self._form.shape, MOST_INSTANCES, self._most_values)

    def parts(self, body: bytes) -> Iterator[Instances]:
        """The instances of a body, `PART` at a time.

        Raises:
            ApiError: it cannot be answered; a fault of a late instance is found when its part is read.
        """
        given = _Given(body, self._usual_form, self._most_values)
        for at in range(0, len(given), PART):
            yield self._part(given, at)
        given.end()

    def _part(self, given: _Given, first: int) -> Instances:
        read = [self._read(given, at) for at in range(first, min(first + PART, len(given)))]
        devices, ends, values, own, sensitivities = zip(*read, strict=True)
        calibrations, sources = zip(*map(self._detector.calibration, devices, own), strict=True)
        # of bytes that may be written to, as what is out of range is replaced
        numbers: Float = np.frombuffer(bytearray().join(values)).reshape(-1, *self._form.shape)
        out_of_range = self._form.clear(numbers, first)
        windows = Windows(np.array(ends, dtype=np.int64), numbers, _COMPLETE[: len(read)], out_of_range)
        factors: Float | float = 1.0
        if sensitivities.count(None) < len(sensitivities):
            factors = np.array([1.0 if s is None else threshold_factor(s) for s in sensitivities])
        came_along = [calibration is not None for calibration in own]
        return Instances(devices, windows, calibrations, sources, factors, came_along, first)

    def _read(self, given: _Given, at: int) -> _Read:
        try:
            device, end, values, own, sensitivity = self._usual(given, at) or self._any(given, at)
        except CalibrationError as e:
            raise unprocessable(e.code, f"instance {at}: {e}", **e.details) from None
        return device, end, values, own, given.sensitivity if sensitivity is None else sensitivity

    def _usual(self, given: _Given, at: int) -> _Read | None:
        """An instance without a fault; None where there may be one."""
        found = None if given.usual is None else self._usual_form.instance(given.usual.instances[at])
        if found is None:
            return None
        device, window_end, values, text, sensitivity = found
        # what is longer may be anything
        if len(window_end) > _TIME_TAKES or (text is not None and len(text) > self._most_of_calibration):
            return None
        if _DEVICE_ID.fullmatch(device) is None:
            return None
        try:
            end = _seconds(window_end)
            own = None if text is None else self._cache.decode(self._form.profile, text)
        except (ValueError, RecursionError):
            return None
        return device, end, values, own, sensitivity

    def _any(self, given: _Given, at: int) -> _Read:
        try:
            one = Instance.model_validate(given.objects[at])
        except ValidationError as e:
            raise from_pydantic(e, f"instance {at}", _CODES) from None
        values = self._form.check(one.values, f"instance {at}")
        document = one.calibration
        own = None if document is None else self._cache.decode(self._form.profile, document.model_dump_json().encode())
        return one.device_id, int(one.window_end.timestamp()), values, own, one.sensitivity


@lru_cache(maxsize=_TIMES)
def _seconds(text: str) -> int:
    """The time that a text names, in seconds since 1970 UTC; a ValueError if it names none."""
    return int(time_of(text).timestamp())


class _Given:
    """The instances of a body, and the body as objects if it comes to that.

    Attributes:
        usual: the body in the usual form, None where it has another.
        sensitivity: of all instances that do not say their own.

    Args:
        body: of a request.
        form: the usual one.
        most_values: JSON values that a good body has at most.
    """

    def __init__(self, body: bytes, form: UsualForm, most_values: int) -> None:
        self._body = body
        self._most_values = most_values
        self.usual = form.body(body)
        parameters = self.usual or self._request.parameters
        self.sensitivity = None if parameters is None else parameters.sensitivity

    def __len__(self) -> int:
        return len(self.usual or self.objects)

    def end(self) -> None:
        """All of them were read."""
        if self.usual is not None:
            self.usual.end()

    @property
    def objects(self) -> list[Any]:
        """As objects.

        Raises:
            ApiError: the body is not JSON or not of the request's form.
        """
        return self._request.instances

    @cached_property
    def _request(self) -> PredictRequest:
        payload.check_size(self._body, self._most_values)
        document = payload.parse(self._body)
        given = document.get("instances")
        if isinstance(given, list) and len(given) > MOST_INSTANCES:
            message = f"{len(given)} instances, expected at most {MOST_INSTANCES} a request: send them in several"
            raise unprocessable("too_many_instances", message, found=len(given), expected=MOST_INSTANCES)
        try:
            return PredictRequest.model_validate(document)
        except ValidationError as e:
            raise from_pydantic(e) from None
