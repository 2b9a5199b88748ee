"""From the bytes of a `:predict` body to windows that can be scored.

The usual body is decoded by msgspec, straight into the types that it must have; a large one a part at a time, so
that it never stands in memory as Python objects. Whatever does not fit at once goes the slow way, through pydantic and
`WindowForm.check`, which finds the fault and says it; only that way decides what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from serving.packed import Packer, Rows
from serving.schemas import MOST_INSTANCES, Instance, Parameters, PredictRequest, time_of
from serving.window_values import WindowForm

#: instances that are read, scored and answered together: enough for the graph to be at its best, few enough that
#: others need not wait long
PART = 64
#: bytes of a body for each value that it may have, up to which it is decoded at once: some 256 windows
_SHORT = 4
_CODES = {"window_end": "invalid_window_end", "calibration": "invalid_calibration"}
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)


_Sensitivity = Annotated[float, msgspec.Meta(ge=0, le=100)]


class _Parameters(msgspec.Struct, forbid_unknown_fields=True):
    sensitivity: _Sensitivity | None = None


class _RawBody(msgspec.Struct, forbid_unknown_fields=True):
    instances: list[msgspec.Raw]
    parameters: _Parameters | None = None


#: device, end, values, and the calibration and the sensitivity that came along
_Read = tuple[str, int, Rows, Calibration | None, float | None]
_RAW_BODY = msgspec.json.Decoder(_RawBody)
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


class _Decoders:
    """The usual body and a single instance of it, decoded into values that have the form's shape or are refused."""

    def __init__(self, form: WindowForm) -> None:
        steps, inputs = form.shape
        row: Any = tuple[(float,) * inputs]  # type: ignore[misc] # as many as the profile says
        values: Any = Annotated[list[row], msgspec.Meta(min_length=steps, max_length=steps)]
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
        body = msgspec.defstruct(
            "Body",
            [("instances", list[instance]), ("parameters", _Parameters | None, None)],
            forbid_unknown_fields=True,
        )
        self.instance = msgspec.json.Decoder(instance)
        self.body = msgspec.json.Decoder(body)


class Reader:
    """Reads the bodies of one model's requests."""

    def __init__(self, detector: Detector, cache: CalibrationCache) -> None:
        self._detector = detector
        self._cache = cache
        self._form = WindowForm(detector.profile)
        self._decoders = _Decoders(self._form)
        steps, inputs = self._form.shape
        self._packer = Packer(self._form.shape)
        #: JSON values that a body has at most: those of its windows, and a few beside them
        self._most_values = MOST_INSTANCES * (steps * (inputs + 1) + 32)

    def parts(self, body: bytes) -> Iterator[Instances]:
        """The instances of a body, `PART` at a time.

        Raises:
            ApiError: it cannot be answered; a fault of a late instance is found when its part is read.
        """
        # a value takes two bytes at least, so a short body holds few enough to be decoded without being counted
        short = len(body) <= _SHORT * self._most_values
        if not short:
            payload.check_size(body, self._most_values)
        given = _Given(body, self._decoders, at_once=short)
        for at in range(0, len(given), PART):
            yield self._part(given, at)

    def _part(self, given: _Given, first: int) -> Instances:
        of = range(first, min(first + PART, len(given)))
        devices: list[str] = []
        ends: list[int] = []
        rows: list[Rows] = []
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
            rows.append(window)
            calibrations.append(used)
            sources.append(source)
            own.append(calibration is not None)
            sensitivity = given.sensitivity if sensitivity is None else sensitivity
            factors.append(1.0 if sensitivity is None else threshold_factor(sensitivity))
            moved = moved or sensitivity is not None
        values = self._packer.array(rows)
        out_of_range = self._form.clear(values, first)
        windows = Windows(np.array(ends, dtype=np.int64), values, _COMPLETE[: len(of)], out_of_range)
        return Instances(devices, windows, calibrations, sources, np.array(factors) if moved else 1.0, own, first)

    def _usual(self, given: _Given, at: int) -> _Read | None:
        """An instance without a fault; None where there may be one."""
        try:
            one = given.usual(at)
            end = int(time_of(one.window_end).timestamp())
            text = bytes(one.calibration)
            own = None if text == b"null" else self._cache.decode(self._form.profile, text)
        except (ValueError, RecursionError):
            return None
        if _DEVICE_ID.fullmatch(one.device_id) is None:
            return None
        return one.device_id, end, one.values, own, one.sensitivity

    def _any(self, given: _Given, at: int) -> _Read:
        try:
            one = Instance.model_validate(given.objects[at])
        except ValidationError as e:
            raise from_pydantic(e, f"instance {at}", _CODES) from None
        values = self._form.check(one.values, f"instance {at}").tolist()
        document = one.calibration
        own = None if document is None else self._cache.decode(self._form.profile, document.model_dump_json().encode())
        return one.device_id, int(one.window_end.timestamp()), values, own, one.sensitivity


class _Given:
    """The instances of a body: decoded or as text, and as objects if it comes to that.

    Args:
        body: of a request.
        decoders: of the usual form.
        at_once: whether all its instances may be decoded together, which is faster but has all of them in memory.
    """

    def __init__(self, body: bytes, decoders: _Decoders, *, at_once: bool) -> None:
        self._body = body
        self._decoders = decoders
        document = (_decoded(decoders.body, body) if at_once else None) or _decoded(_RAW_BODY, body)
        usual = document is not None and 0 < len(document.instances) <= MOST_INSTANCES
        parameters: _Parameters | Parameters | None = document.parameters if usual else self._request.parameters
        #: of all instances that do not say their own
        self.sensitivity = None if parameters is None else parameters.sensitivity
        self._usual: Sequence[Any] = document.instances if usual else [b""] * len(self.objects)

    def __len__(self) -> int:
        return len(self._usual)

    def usual(self, at: int) -> Any:
        """An instance, decoded.

        Raises:
            ValueError: it has not the usual form.
        """
        one = self._usual[at]
        return self._decoders.instance.decode(one) if isinstance(one, bytes | msgspec.Raw) else one

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


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """None where the body has not that form."""
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError):
        return None
