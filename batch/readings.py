"""From files to the readings of each device: the pieces that Beam groups.

A piece is plain text, numbers and bytes, which Beam's coders know by themselves; its arrays are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.history import reading
from aiot_anomaly.history.places import place
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int


class Part(NamedTuple):
    """What one worker reads at a time: a file, or of a Parquet file one row group."""

    file: str
    row_group: int | None


class Packed(NamedTuple):
    """Readings of one device from one place of one file.

    Attributes:
        file: where they are from.
        rows: (n,) int64, the row of the file that each is.
        timestamps: (n,) float64, seconds since 1970 UTC.
        values: (n, S) float64.
    """

    file: str
    rows: bytes
    timestamps: bytes
    values: bytes


class Piece(NamedTuple):
    """`Packed`, as arrays."""

    file: str
    rows: Int
    timestamps: Float
    values: Float


def parts(file: str) -> Iterator[Part]:
    """What of a file can be read apart."""
    at = place(file)
    if reading.is_parquet(at):
        yield from (Part(file, group) for group in range(reading.row_groups(at)))
    else:
        yield Part(file, None)


def packed(part: Part, profile: Profile, layout: Layout) -> Iterator[tuple[str, Packed] | int]:
    """The readings of a part by device; and for each chunk how many rows have no time.

    Raises:
        DatasetError: the file cannot be read, or lacks a column.
    """
    for chunk in reading.chunks(place(part.file), profile, layout, row_group=part.row_group):
        yield chunk.without_time
        for device, at in chunk.by_device():
            rows, timestamps, values = chunk.rows[at], chunk.timestamps[at], chunk.values[at]
            yield device, Packed(part.file, _bytes(rows, "<i8"), _bytes(timestamps, "<f8"), _bytes(values, "<f8"))


def unpacked(piece: Packed) -> Piece:
    """The arrays of a piece."""
    timestamps = np.frombuffer(piece.timestamps, "<f8")
    values = np.frombuffer(piece.values, "<f8").reshape(len(timestamps), -1)
    return Piece(piece.file, np.frombuffer(piece.rows, "<i8"), timestamps, values)


def _bytes(array: np.ndarray, kind: str) -> bytes:
    return np.ascontiguousarray(array, dtype=kind).tobytes()
