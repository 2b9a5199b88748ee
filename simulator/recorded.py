"""Real consumption as the base of simulated meters: a table with a column for each consumer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets import table
from aiot_anomaly.datasets.fleet import Truth
from simulator.clock import DAY_S, moment
from simulator.errors import SimulatorError
from simulator.habits import HOURS

HOUR_S = 3600


@dataclass(frozen=True, eq=False)
class RecordedConsumer:
    """One column of such a table.

    Attributes:
        kind: the column's name.
        start: unix seconds of the first full hour.
        kwh: (n,) consumption in each hour from there on; NaN where it is not known.
    """

    kind: str
    start: int
    kwh: NDArray[np.float64]

    @property
    def end(self) -> int:
        """Unix seconds after the last hour."""
        return self.start + len(self.kwh) * HOUR_S

    def hours(self, days: range) -> NDArray[np.float64]:
        """(days, 24): kWh in each hour of days counted from 1970-01-01 in UTC; NaN outside the table."""
        hours = np.full(len(days) * HOURS, np.nan)
        at = self.start // HOUR_S - days.start * HOURS
        low, high = max(at, 0), min(at + len(self.kwh), len(hours))
        if low < high:
            hours[low:high] = self.kwh[low - at : high - at]
        return hours.reshape(-1, HOURS)

    def events(self, device_id: str, start: int, end: int) -> tuple[Truth, ...]:  # noqa: ARG002 - a source's form
        """None: nobody wrote down what happened."""
        return ()


def read(path: Path, *, timestamp_column: str = "timestamp", separator: str = ",") -> list[RecordedConsumer]:
    """Reads a CSV or Parquet of hourly consumption in kWh, with a column for each consumer.

    Of two rows of the same hour the first counts.

    Raises:
        SimulatorError: the rows are not hourly, a value is negative, or there is no consumer.
        DatasetError: the file cannot be read.
    """
    frame = table.read_frame(path, separator)
    columns = [str(c) for c in frame.columns if c != timestamp_column]
    if timestamp_column not in frame.columns or not columns or not len(frame):
        raise SimulatorError(
            f"{path} has the columns {list(frame.columns)} and {len(frame)} rows; expected {timestamp_column!r} (name "
            f"it with --timestamp-column) and one column of kWh for each consumer"
        )
    times = table.seconds(frame[timestamp_column], where=f"{path}, column {timestamp_column}")
    kwh = table.matrix(frame, columns, where=str(path))
    off = times % HOUR_S != 0
    if off.any():
        raise SimulatorError(f"{path}: row {int(off.argmax())} is not of a full hour; expected hourly consumption")
    if (kwh < 0).any():
        row, column = np.argwhere(kwh < 0)[0]
        raise SimulatorError(f"{path}: {columns[column]} is {kwh[row, column]:g} in row {row}; expected 0 or more kWh")
    hours, first = np.unique(times // HOUR_S, return_index=True)
    laid = np.full((int(hours[-1] - hours[0]) + 1, len(columns)), np.nan)
    laid[hours - hours[0]] = kwh[first]
    if hours[0] * HOUR_S < 10 * DAY_S:
        raise SimulatorError(f"{path} begins at {moment(int(hours[0]) * HOUR_S)}; expected a later time")
    return [RecordedConsumer(c, int(hours[0]) * HOUR_S, laid[:, k]) for k, c in enumerate(columns)]
