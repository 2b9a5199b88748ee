"""Replay of a recording: SKAB's, or any table with a time column and the sensors of a profile."""

from __future__ import annotations

from pathlib import Path

from aiot_anomaly.datasets import skab, table
from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile

_SKAB = "skab:"


def load(
    source: str,
    profile: Profile,
    *,
    timestamp_column: str = "timestamp",
    device_column: str | None = None,
    device_id: str | None = None,
    label_column: str | None = None,
    separator: str = ",",
    limit: int | None = None,
) -> Fleet:
    """Reads what is to be replayed, at its original times.

    Args:
        source: `skab:valve1/6` (downloaded if need be), or the path of a CSV or Parquet file.
        profile: names the sensor columns of a file.
        timestamp_column: of a file; ISO 8601 or unix seconds.
        device_column: the column of a file that names the device, if it holds several.
        device_id: the device of a file that holds one; default: its name.
        label_column: the column of a file that is nonzero where a row is anomalous.
        separator: between the columns of a CSV.
        limit: only the first rows of each device.

    Raises:
        DatasetError: it cannot be found or read.
    """
    if source.startswith(_SKAB):
        recordings = [skab.read(skab.locate(), source.removeprefix(_SKAB))]
    else:
        recordings = table.read(
            Path(source),
            profile,
            timestamp_column=timestamp_column,
            device_column=device_column,
            device_id=device_id,
            label_column=label_column,
            separator=separator,
        )
    if limit is not None:
        recordings = [r.head(limit) for r in recordings]
    return Fleet(tuple(recordings), tuple(t for r in recordings for t in _truth(r, profile)))


def _truth(recording: Recording, profile: Profile) -> list[Truth]:
    # an event ends when the interval of its last row does
    return [
        Truth(recording.device_id, "labelled", first, last + profile.interval_s, 1.0)
        for first, last in recording.events()
    ]
