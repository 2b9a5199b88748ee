"""A recording: what the sensors of one device reported over a stretch of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Recording:
    """The readings of one device, oldest first; the gaps of the source are still in it.

    Attributes:
        device_id: the device.
        timestamps: (n,) int64, unix seconds in UTC, not decreasing.
        values: (n, S) float64 in the sensors' units and in the profile's order; NaN is missing.
        labels: (n,) bool, True is anomalous; None where nobody labelled the rows.
        train_rows: how many leading rows the source declares normal and meant for training; None if it does not.
    """

    device_id: str
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]
    labels: NDArray[np.bool_] | None = None
    train_rows: int | None = None

    def __post_init__(self) -> None:
        n = len(self.timestamps)
        if self.values.ndim != 2 or len(self.values) != n:
            raise DatasetError(f"{self.device_id}: values are {self.values.shape}, expected ({n}, sensors)")
        if self.labels is not None and self.labels.shape != (n,):
            raise DatasetError(f"{self.device_id}: labels are {self.labels.shape}, expected ({n},)")
        if n > 1 and bool(np.any(np.diff(self.timestamps) < 0)):
            raise DatasetError(f"{self.device_id}: timestamps go back in time; sort the rows by time first")

    def __len__(self) -> int:
        return len(self.timestamps)

    def events(self) -> list[tuple[int, int]]:
        """The contiguous labelled anomalies, as unix seconds of their first and of their last row."""
        if self.labels is None:
            return []
        edges = np.diff(np.concatenate(([0], self.labels.astype(np.int8), [0])))
        first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
        return [(int(self.timestamps[a]), int(self.timestamps[b])) for a, b in zip(first, last, strict=True)]

    def head(self, rows: int) -> Recording:
        """The first `rows` rows."""
        return Recording(
            self.device_id,
            self.timestamps[:rows],
            self.values[:rows],
            None if self.labels is None else self.labels[:rows],
            None if self.train_rows is None else min(self.train_rows, rows),
        )
