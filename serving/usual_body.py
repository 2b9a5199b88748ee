"""The usual form of a `:predict` body, read by simdjson.

It goes through a body many bytes at a time (Langdale & Lemire 2019, Parsing gigabytes of JSON per second) and gives a
window's numbers as they lie in memory: exactly rounded, and without a Python object for each.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import simdjson

from serving import payload

#: device, end, the memory of T × F finite 64-bit floats row after row, calibration as JSON, sensitivity from 0 to 100;
#: the texts may be any, and the last two are None where an instance has none
Usual = tuple[str, str, Any, bytes | None, float | None]

#: bytes of a body up to which its parser is kept
_LONG = 2 * 1024 * 1024
#: parsers whose memory is used again: to be given new memory takes as long as to read a body into it
_KEPT: deque[simdjson.Parser] = deque(maxlen=2)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: fields that each instance has, and those that it may have
_NEEDED = 3
_ALL = {"device_id", "window_end", "values", "calibration", "sensitivity"}
#: what simdjson raises at what is no JSON, or has not the type that it is asked for
_OTHERWISE = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)


class UsualForm:
    """What is usual for windows of one shape.

    Args:
        shape: rows and columns of a window: (T, F).
        most_instances: that a body has.
        most_values: JSON values that a body has, which bounds the memory that it is read into.
    """

    def __init__(self, shape: tuple[int, int], most_instances: int, most_values: int) -> None:
        steps, inputs = shape
        self._row_lengths = [inputs] * steps
        self._bytes = np.dtype(np.float64).itemsize * steps * inputs
        self._most_instances = most_instances
        self._most_values = most_values

    def body(self, text: bytes) -> UsualBody | None:
        """A request's body; None where it has not this form."""
        lists = payload.count(text, b"[")
        if (
            len(text) > payload.SHORT
            and lists + payload.count(text, b"{") + payload.count(text, b",") > self._most_values
        ):
            return None
        # which simdjson would pass over
        if text.startswith(_BYTE_ORDER_MARK):
            return None
        try:
            body = UsualBody(text)
        except _OTHERWISE:
            return None
        # no list is where a number belongs: of numbers alone it could not be told in how many lists they were
        of_instances = lists == 1 + len(body) * (1 + len(self._row_lengths))
        return body if of_instances and 0 < len(body) <= self._most_instances else None

    def instance(self, given: Any) -> Usual | None:
        """What one of a body's instances has; None where it has not this form."""
        try:
            device, end, values = given["device_id"], given["window_end"], given["values"]
            if [*map(len, values)] != self._row_lengths or not isinstance(device, str) or not isinstance(end, str):
                return None
            numbers = memoryview(values.as_buffer(of_type="d"))
            # a list in a number's place, which another instance's missing row hides from the count of the body's lists
            if numbers.nbytes != self._bytes:
                return None
            if len(given) == _NEEDED:
                return device, end, numbers, None, None
            names = set(given)
            # none has another name, and none is there twice
            if len(names) < len(given) or not names <= _ALL:
                return None
            calibration = given["calibration"] if "calibration" in names else None
            sensitivity = given["sensitivity"] if "sensitivity" in names else None
            return device, end, numbers, None if calibration is None else calibration.mini, _checked(sensitivity)
        except _OTHERWISE:
            return None


class UsualBody:
    """The instances of a body, which lie in the memory of the parser that read them.

    Attributes:
        instances: for `UsualForm.instance`.
        sensitivity: of all instances that do not say their own.

    Raises:
        Exception: one of `_OTHERWISE`, simdjson's own or as those; it is no JSON, or has another form.
    """

    def __init__(self, text: bytes) -> None:
        self._parser = _KEPT.pop() if _KEPT else simdjson.Parser()
        self._is_long = len(text) > _LONG
        document: Any = self._parser.parse(text)
        self.instances: list[Any] = list(document["instances"])
        self.sensitivity: float | None = None
        if len(document) > 1:
            self.sensitivity = _of_all(document["parameters"])
        # none has another name, and none is there twice
        if len(document) > 2:
            raise ValueError("expected instances and parameters")

    def __len__(self) -> int:
        return len(self.instances)

    def end(self) -> None:
        """Nothing of it is needed any longer: its memory is for another."""
        self.instances.clear()
        if not self._is_long:
            _KEPT.append(self._parser)


def _of_all(parameters: Any) -> float | None:
    if parameters is None or (isinstance(parameters, simdjson.Object) and len(parameters) == 0):
        return None
    if len(parameters) > 1:
        raise ValueError("expected one parameter")
    return _checked(parameters["sensitivity"])


def _checked(sensitivity: Any) -> float | None:
    if sensitivity is None or (type(sensitivity) in {float, int} and 0 <= sensitivity <= 100):
        return sensitivity  # type: ignore[no-any-return] # of the types that were asked for
    raise ValueError("expected a number from 0 to 100")
