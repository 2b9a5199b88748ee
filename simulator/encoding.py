"""Readings as the text of a message: the bytes that `aiot_anomaly.messages.ReadingBatch` writes, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json


class Encoder:
    """Writes the readings of devices with the same sensors.

    The contract's models, or a dict for each reading, took longer than all else before a message is published. Here all
    numbers become text in one call, and are filled into a template. The writer is pydantic's own, as the contract's, so
    that the text of a number is the same.

    Args:
        sensors: names of the values.
    """

    def __init__(self, sensors: Sequence[str]) -> None:
        self._sensors = len(sensors)
        names = (to_json(sensor).replace(b"%", b"%%") + b":%b" for sensor in sensors)
        self._reading = b'{"timestamp":"%bZ","values":{' + b",".join(names) + b"}}"

    def readings(self, times: NDArray[np.int64], values: NDArray[np.float64]) -> list[bytes]:
        """The JSON of each reading.

        Args:
            times: (n,) unix seconds.
            values: (n, S) finite, or NaN where missing, which becomes null.
        """
        stamps = np.datetime_as_string(times.astype("datetime64[s]")).astype(np.bytes_).tolist()
        numbers = iter(to_json(values.ravel().tolist(), inf_nan_mode="null")[1:-1].split(b","))
        # the same iterator S times: each row takes its stamp and the next S numbers
        return [self._reading % row for row in zip(stamps, *[numbers] * self._sensors, strict=False)]

    @staticmethod
    def message(device_id: str, readings: Sequence[bytes]) -> bytes:
        """The JSON of a message with readings that are written."""
        return b'{"device_id":%b,"readings":[%b]}' % (to_json(device_id), b",".join(readings))
