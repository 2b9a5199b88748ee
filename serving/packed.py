"""Numbers that are Python objects, row by row, as an array: written by msgspec in one go and then read where they lie.

In MessagePack each float has nine bytes and each list of one length the same head, so that all stand at equal distances
(https://github.com/msgpack/msgpack/blob/master/spec.md). To hand them over one by one takes nearly three times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from aiot_anomaly.series import Float

Rows = Sequence[Sequence[float]]

_ENCODER = msgspec.msgpack.Encoder()
_FLOAT = np.dtype([("head", "V1"), ("number", ">f8")])


def packed(window: Rows) -> bytes:
    """A window, every number of which is a float."""
    return _ENCODER.encode(window)


class Packer:
    """Reads packed windows of `shape` (T, F)."""

    def __init__(self, shape: tuple[int, int]) -> None:
        steps, inputs = shape
        row = np.dtype([("head", _head(inputs)), ("cells", _FLOAT, (inputs,))])
        self._window = np.dtype([("head", _head(steps)), ("rows", row, (steps,))])

    def array(self, windows: Sequence[bytes]) -> Float:
        """(n, T, F) the numbers of packed windows."""
        lying = np.frombuffer(b"".join(windows), self._window)
        return lying["rows"]["cells"]["number"].astype(np.float64)


def _head(length: int) -> str:
    """The bytes that a list of this length begins with, as a type of numpy."""
    return f"V{len(_ENCODER.encode([None] * length)) - length}"
