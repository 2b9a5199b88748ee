"""Replay of a recording: SKAB's, or any table with a time column and the sensors of a profile."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from aiot_anomaly.datasets import skab, table
from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile
from simulator.clock import DAY_S, parse_time
from simulator.errors import SimulatorError

_SKAB = "skab:"
_MOST_DEVICES = 10_000


def load(
    source: str,
    profile: Profile,
    *,
    timestamp_column: str = "timestamp",
    device_column: str | None = None,
    device_id: str | None = None,
    label_column: str | None = None,
    separator: str = ",",
    rename: Mapping[str, str] | None = None,
    layout: Layout | None = None,
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
        rename: columns of a file and the sensors that they are.
        layout: of a file, in place of all of these but `device_id`.
        limit: only the first rows of each device.

    Raises:
        DatasetError: it cannot be found or read.
        SimulatorError: rows of several devices, as it seems, and nothing says which are whose.
    """
    if source.startswith(_SKAB):
        recordings = [_skab(source.removeprefix(_SKAB))]
    elif layout is not None:
        recordings = table.read_as(Path(source), profile, layout)
        if layout.device is None and device_id is not None:
            recordings = [replace(r, device_id=device_id) for r in recordings]
    else:
        recordings = table.read(
            Path(source),
            profile,
            timestamp_column=timestamp_column,
            device_column=device_column,
            device_id=device_id,
            label_column=label_column,
            separator=separator,
            rename=rename,
        )
    if len(recordings) == 1 and device_column is None and device_id is None and not source.startswith(_SKAB):
        _check_one_device(recordings[0], source)
    if limit is not None:
        recordings = [r.head(limit) for r in recordings]
    return _fleet(recordings, profile)


def _skab(name: str) -> Recording:
    # the name first: to find the data may mean to download it
    known = [path.removesuffix(".csv") for path in skab.checksums()]
    if name not in known:
        raise SimulatorError(f"no recording {name!r}; SKAB has {', '.join(known)}")
    return skab.read(skab.locate(), name)


def _check_one_device(recording: Recording, source: str) -> None:
    """Refuses rows of which most have the time of another row, and other values: several devices, played as one."""
    again = np.flatnonzero(np.diff(recording.timestamps) == 0) + 1
    same = recording.values[again] == recording.values[again - 1]
    same |= np.isnan(recording.values[again]) & np.isnan(recording.values[again - 1])
    others = int((~same.all(axis=1)).sum())
    # of two devices every second row; a night of a clock set back, or a few rows sent twice, are far fewer
    if others >= max(1, 0.4 * len(recording)):
        raise SimulatorError(
            f"{others} of {len(recording)} rows of {source} have the time of another row and other values, as of "
            f"several devices; name the column of the device with --device-column (such as device_id), or the one "
            f"device that they are all of with --device"
        )


def arranged(
    fleet: Fleet,
    profile: Profile,
    *,
    days: float | None = None,
    interval_s: int | None = None,
    start: str | None = None,
    end: str | None = None,
    devices: int = 1,
) -> Fleet:
    """What is played of a recording, when, and by how many devices.

    The devices of a recording keep their distance in time. Copies are named `pump-1`, `pump-2`, …

    Args:
        fleet: as it was recorded.
        profile: of the recording.
        days: only the first days of it.
        interval_s: only the first reading of each interval.
        start: the time of the first reading, ISO 8601 or relative to now; None with no end: as recorded.
        end: the time of the last one, in its place.
        devices: how many play each recording.

    Raises:
        SimulatorError: nothing is left, or a number makes no sense.
    """
    if (days is not None and not days > 0) or (interval_s is not None and interval_s < 1):
        raise SimulatorError(f"--days {days}, --interval {interval_s}; expected more than 0")
    if not 1 <= devices <= _MOST_DEVICES:
        raise SimulatorError(f"--devices {devices}; expected 1 to {_MOST_DEVICES}")
    recordings = [r for r in fleet.recordings if len(r)]
    if not recordings:
        raise SimulatorError("the recording has no rows")
    first = min(int(r.timestamps[0]) for r in recordings)
    if days is not None:
        recordings = [r.head(int(np.searchsorted(r.timestamps, first + days * DAY_S))) for r in recordings]
        recordings = [r for r in recordings if len(r)]
    if interval_s is not None:
        recordings = [_thinned(r, interval_s) for r in recordings]
    now = int(time.time())
    if start is not None:
        recordings = _shifted(recordings, parse_time(start, relative_to=now) - first)
    elif end is not None:
        last = max(int(r.timestamps[-1]) for r in recordings)
        recordings = _shifted(recordings, parse_time(end, relative_to=now) - last)
    if devices > 1:
        recordings = [replace(r, device_id=f"{r.device_id}-{k}") for r in recordings for k in range(1, devices + 1)]
    return _fleet(recordings, profile)


def _thinned(recording: Recording, interval_s: int) -> Recording:
    _, kept = np.unique(recording.timestamps // interval_s, return_index=True)
    labels = None if recording.labels is None else recording.labels[kept]
    return Recording(recording.device_id, recording.timestamps[kept], recording.values[kept], labels)


def _shifted(recordings: Sequence[Recording], seconds: int) -> list[Recording]:
    return [replace(r, timestamps=r.timestamps + seconds) for r in recordings]


def _fleet(recordings: Sequence[Recording], profile: Profile) -> Fleet:
    return Fleet(tuple(recordings), tuple(t for r in recordings for t in _truth(r, profile)))


def _truth(recording: Recording, profile: Profile) -> list[Truth]:
    # an event ends when the interval of its last row does
    return [
        Truth(recording.device_id, "labelled", first, last + profile.interval_s, 1.0)
        for first, last in recording.events()
    ]
