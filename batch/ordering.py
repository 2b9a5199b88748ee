"""The readings of one device, oldest first, which grouping does not do: in memory, or on disk where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from aiot_anomaly.history import sorting
from aiot_anomaly.series import Float
from batch.readings import Packed, Piece, unpacked

#: numbers that are sorted in memory at most (64 MiB), and that leave in one piece
MOST_NUMBERS = 8 * 1024 * 1024


def oldest_first(group: Iterable[Packed], sensors: int, *, most: int = MOST_NUMBERS) -> Iterator[tuple[Float, Float]]:
    """Times (n,) and values (n, S) of a device, some at a time. Readings of one time stay in the order of file and row.

    Args:
        group: in any order; read once, a piece at a time.
        sensors: S.
        most: numbers that are held in memory.
    """
    held: list[Piece] = []
    rest = iter(group)
    for one in rest:
        held.append(unpacked(one))
        if sum(p.values.size for p in held) > most:
            yield from _on_disk(held, rest, sensors)
            return
    if held:
        yield _in_memory(held)


def _in_memory(held: list[Piece]) -> tuple[Float, Float]:
    held.sort(key=lambda p: (p.file, p.rows[0]))
    at = np.concatenate([p.timestamps for p in held])
    order = np.argsort(at, kind="stable")
    return at[order], np.concatenate([p.values for p in held])[order]


def _on_disk(held: list[Piece], rest: Iterator[Packed], sensors: int) -> Iterator[tuple[Float, Float]]:
    with sorting.sorting(sensors) as sorter:
        while held:
            _add(sorter, held.pop())
        for one in rest:
            _add(sorter, unpacked(one))
        for _, at, values in sorter.sorted():
            yield at, values


def _add(sorter: sorting.Sorter, piece: Piece) -> None:
    one_device = np.zeros(len(piece.rows), dtype=object)
    one_device[:] = ""
    sorter.add(one_device, piece.timestamps, piece.values, piece.file, piece.rows)
