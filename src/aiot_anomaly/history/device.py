"""One device's readings in pieces, oldest first: the windows that the whole series at once would give.

Pure, and bounded in memory: between two pieces it keeps the rows that a window still needs, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.detection import SeriesOutcome
from aiot_anomaly.errors import OrderError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows, as_datetime

#: numbers that the windows of a block hold at most (4 MiB): what is said of each is many times as large
BLOCK_NUMBERS = 512 * 1024


class DeviceHistory:
    """Where one device stands between two pieces of its history."""

    def __init__(self, profile: Profile, device_id: str) -> None:
        self._profile = profile
        self._device = device_id
        self._slots: Int = np.empty(0, dtype=np.int64)
        self._values: Float = np.empty((0, len(profile.sensors)))
        self._first = 0
        self._latest = -np.inf
        #: every window up to this slot is decided
        self._decided_to: int | None = None
        self._outcomes: dict[SeriesOutcome, int] = dict.fromkeys(("decided", "warming_up", "gap", "duplicate"), 0)

    @property
    def outcomes(self) -> Mapping[SeriesOutcome, int]:
        """How many readings had each outcome so far; they sum to the readings given."""
        return {**self._outcomes, "pending": int(np.count_nonzero(self._open(self._slots)))}

    def take(self, timestamps: Float, values: Float) -> Iterator[Windows]:
        """The complete windows that these readings close, oldest first, some at a time. To be read to the end.

        Args:
            timestamps: (n,) seconds since 1970 UTC, in any order among themselves.
            values: (n, S) in the sensors' units, NaN where missing.

        Raises:
            OrderError: a reading is older than one of an earlier piece.
        """
        if not len(timestamps):
            return
        order = np.argsort(timestamps, kind="stable")
        self._check(float(timestamps[order[0]]))
        self._latest = float(timestamps[order[-1]])
        # of two readings in one slot the earlier counts, as in the stream
        new, first = np.unique(grid.slots(self._profile, timestamps[order]), return_index=True)
        rows = values[order][first]
        if len(self._slots) and new[0] == self._slots[-1]:
            new, rows = new[1:], rows[1:]
        self._outcomes["duplicate"] += len(timestamps) - len(new)
        if not len(new):
            return
        if self._decided_to is None:
            self._first = int(new[0])
        self._slots, self._values = np.concatenate([self._slots, new]), np.vstack([self._values, rows])
        yield from self._advance(int(new[-1]))

    def _check(self, earliest: float) -> None:
        if earliest < self._latest:
            raise OrderError(
                f"device {self._device}: a reading of {as_datetime(earliest).isoformat()} comes after one of "
                f"{as_datetime(self._latest).isoformat()}; expected each device's readings oldest first",
                device_id=self._device,
            )

    def _advance(self, until: int) -> Iterator[Windows]:
        ends = []
        blocks = windows.blocks(
            self._profile, self._slots, self._values, after=self._decided_to, until=until, most_numbers=BLOCK_NUMBERS
        )
        for block in blocks:
            whole = block.only(block.complete)
            ends.append(whole.ends // self._profile.interval_s)
            if len(whole):
                yield whole
        self._count(until, np.concatenate([np.empty(0, dtype=np.int64), *ends]))
        self._decided_to = until
        # what `windows.blocks` looks back from the next window that can end
        keep = self._slots > until - self._profile.history - self._profile.window.stride
        self._slots, self._values = self._slots[keep], self._values[keep]

    def _open(self, slots: Int) -> np.ndarray:
        decides = windows.deciding_slot(self._profile, slots)
        return np.asarray(decides > (-np.inf if self._decided_to is None else self._decided_to))

    def _count(self, until: int, complete: Int) -> None:
        decides = windows.deciding_slot(self._profile, self._slots[self._open(self._slots)])
        decides = decides[decides <= until]
        decided = np.isin(decides, complete)
        young = decides - self._first + 1 < self._profile.span
        self._outcomes["decided"] += int(np.count_nonzero(decided))
        self._outcomes["warming_up"] += int(np.count_nonzero(young & ~decided))
        self._outcomes["gap"] += int(np.count_nonzero(~young & ~decided))
