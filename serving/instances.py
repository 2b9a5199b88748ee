"""From the bytes of a `:predict` body to windows that can be scored.

The usual body is decoded by msgspec, straight into the types that it must have: first its instances, whose values are
left as text, and then the values of one after the other, which are packed before the next ones are read; so they never
stand in memory together as Python objects. Whatever does not fit at once goes the slow way, through pydantic and
`WindowForm.check`, which finds the fault and says it; only that way decides what is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import msgspec
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
from serving.packed import Packer, packed
from serving.schemas import MOST_INSTANCES, Instance, Parameters, PredictRequest, time_of
from serving.window_values import WindowForm

#: instances that are read, scored and answered together: enough for the graph to be at its best, few enough that
#: others need not wait long
PART = 64
#: objects that a usual body has at most: itself, its parameters, and for each instance its own and a calibration
_MOST_OBJECTS = 2 + 2 * MOST_INSTANCES
#: bytes of a body up to which its values are decoded with it: what a few windows take
_SHORT = 16 * 1024
#: bytes of text that a usual number takes at most, with what stands around it
_LONGEST = 32
#: bytes that a calibration has at most beside its numbers
_NAMES_TAKE = 4096
_CODES = {"window_end": "invalid_window_end", "calibration": "invalid_calibration"}
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)


_Sensitivity = Annotated[float, msgspec.Meta(ge=0, le=100)]


class _Parameters(msgspec.Struct, forbid_unknown_fields=True):
    sensitivity: _Sensitivity | None = None


def _decoder(values: Any) -> msgspec.json.Decoder[Any]:
    """Of the usual body, whose instances have values of this type."""
    instance: Any = msgspec.defstruct(
        "Instance",
        [
            ("device_id", str),
            ("window_end", str),
            ("values", values),
            ("calibration", msgspec.Raw, msgspec.Raw(b"null")),
            ("sensitivity", _Sensitivity | None, None),
        ],
        forbid_unknown_fields=True,
    )
    fields: Any = [("instances", list[instance]), ("parameters", _Parameters | None, None)]
    return msgspec.json.Decoder(msgspec.defstruct("Body", fields, forbid_unknown_fields=True))


#: device, end, packed values, and the calibration and the sensitivity that came along
_Read = tuple[str, int, bytes, Calibration | None, float | None]
#: of a long body, whose values are left as text
_BODY = _decoder(msgspec.Raw)
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
        row: Any = tuple[(float,) * inputs]  # type: ignore[misc] # as many as the profile says
        values: Any = Annotated[list[row], msgspec.Meta(min_length=steps, max_length=steps)]
        self._values = msgspec.json.Decoder(values)
        self._short = _decoder(values)
        self._most_bytes = _LONGEST * steps * inputs
        numbers = sum(math.prod(shape) for shape in shapes(detector.profile).values())
        #: of a calibration: 8 bytes a number make 11 characters, and there are a few names beside them
        self._most_of_calibration = 16 * numbers + _NAMES_TAKE
        #: JSON values that a body has at most: those of its windows, and a few beside them
        self._most_values = MOST_INSTANCES * (steps * (inputs + 1) + 32)
        self._packer = Packer(self._form.shape)

    def parts(self, body: bytes) -> Iterator[Instances]:
        """The instances of a body, `PART` at a time.

        Raises:
            ApiError: it cannot be answered; a fault of a late instance is found when its part is read.
        """
        given = _Given(body, self._short if len(body) <= _SHORT else _BODY, self._most_values)
        for at in range(0, len(given), PART):
            yield self._part(given, at)

    def _part(self, given: _Given, first: int) -> Instances:
        of = range(first, min(first + PART, len(given)))
        devices: list[str] = []
        ends: list[int] = []
        values: list[bytes] = []
        calibrations: list[Calibration] = []
        sources: list[Source] = []
        own: list[bool] = []
        factors: list[float] = []
        moved = False
        for at in of:
            try:
                device, end, window, calibration, sensitivity = self._usual(given, at) or self._any(given, at)
            except CalibrationError as e:
                raise unprocessable(e.code, f"instance {at}: {e}", **e.details) from None
            used, source = self._detector.calibration(device, calibration)
            devices.append(device)
            ends.append(end)
            values.append(window)
            calibrations.append(used)
            sources.append(source)
            own.append(calibration is not None)
            sensitivity = given.sensitivity if sensitivity is None else sensitivity
            factors.append(1.0 if sensitivity is None else threshold_factor(sensitivity))
            moved = moved or sensitivity is not None
        numbers = self._packer.array(values)
        out_of_range = self._form.clear(numbers, first)
        windows = Windows(np.array(ends, dtype=np.int64), numbers, _COMPLETE[: len(of)], out_of_range)
        return Instances(devices, windows, calibrations, sources, np.array(factors) if moved else 1.0, own, first)

    def _usual(self, given: _Given, at: int) -> _Read | None:
        """An instance without a fault; None where there may be one."""
        one = given.usual[at]
        if one is None or _DEVICE_ID.fullmatch(one.device_id) is None:
            return None
        # a longer text may be anything, and is counted before it stands in memory
        if len(one.values) > self._most_bytes or len(one.calibration) > self._most_of_calibration:
            return None
        try:
            end = int(time_of(one.window_end).timestamp())
            text = bytes(one.calibration)
            own = None if text == b"null" else self._cache.decode(self._form.profile, text)
            text_left = isinstance(one.values, msgspec.Raw)
            values = self._values.decode(one.values) if text_left else one.values
            return one.device_id, end, packed(values), own, one.sensitivity
        except (ValueError, RecursionError):
            return None

    def _any(self, given: _Given, at: int) -> _Read:
        try:
            one = Instance.model_validate(given.objects[at])
        except ValidationError as e:
            raise from_pydantic(e, f"instance {at}", _CODES) from None
        values = self._form.check(one.values, f"instance {at}").tolist()
        document = one.calibration
        own = None if document is None else self._cache.decode(self._form.profile, document.model_dump_json().encode())
        return one.device_id, int(one.window_end.timestamp()), packed(values), own, one.sensitivity


class _Given:
    """The instances of a body, and the body as objects if it comes to that.

    Attributes:
        usual: each instance, or None where it has not the usual form.
        sensitivity: of all instances that do not say their own.

    Args:
        body: of a request.
        decoder: of the usual form.
        most_values: JSON values that a good one has at most.
    """

    def __init__(self, body: bytes, decoder: msgspec.json.Decoder[Any], most_values: int) -> None:
        self._body = body
        self._most_values = most_values
        document = _decoded(decoder, body)
        self.usual: Sequence[Any]
        parameters: _Parameters | Parameters | None
        if document is not None and 0 < len(document.instances) <= MOST_INSTANCES:
            self.usual, parameters = document.instances, document.parameters
        else:
            self.usual, parameters = [None] * len(self.objects), self._request.parameters
        self.sensitivity = None if parameters is None else parameters.sensitivity

    def __len__(self) -> int:
        return len(self.usual)

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


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """None where the body has not the usual form, or more in it than is to stand in memory unchecked."""
    if body.count(b"{") > _MOST_OBJECTS:
        return None
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError):
        return None
