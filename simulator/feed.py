"""A fleet on its way out: which readings there will be, and then the readings, piece by piece in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording


@dataclass(frozen=True, eq=False)
class Feed:
    """A fleet whose readings need not all be in memory. It can be gone through once.

    Attributes:
        devices: the ids of its devices.
        times: for each device (n,) unix seconds of all its readings, ascending; the same array where they are the same.
        truth: all that happens.
        pieces: each begins where the one before ends, with a recording of every device, in their order, and the truth
            that begins in it.
    """

    devices: tuple[str, ...]
    times: tuple[NDArray[np.int64], ...]
    truth: tuple[Truth, ...]
    pieces: Iterator[Fleet]

    @classmethod
    def of(cls, fleet: Fleet) -> Feed:
        """A fleet that is in memory, as one piece."""
        devices, times = tuple(r.device_id for r in fleet.recordings), tuple(r.timestamps for r in fleet.recordings)
        return cls(devices, times, fleet.truth, iter([fleet]))

    def __iter__(self) -> Iterator[Fleet]:
        return self.pieces

    def close(self) -> None:
        """Ends what makes the pieces, such as other processes, where not all were asked for."""
        close = getattr(self.pieces, "close", None)
        if close is not None:
            close()

    def by_device(self) -> list[Iterator[Recording]]:
        """For each device its recordings, one after the other.

        A piece is asked for when the first device has come to it, and each recording goes when its device is through:
        with devices that advance together, two pieces are in memory at most.
        """
        waiting: list[deque[Recording]] = [deque() for _ in self.devices]

        def of(own: deque[Recording]) -> Iterator[Recording]:
            while True:
                while own:
                    yield own.popleft()
                piece = next(self.pieces, None)
                if piece is None:
                    return
                for queue, recording in zip(waiting, piece.recordings, strict=True):
                    queue.append(recording)

        return [of(own) for own in waiting]


def by_recording(recordings: Iterable[Recording]) -> Feed:
    """Recordings without truth, as one piece."""
    return Feed.of(Fleet(tuple(recordings)))
