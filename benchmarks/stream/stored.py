"""Fills an SQLite store with devices: copies of one device's state, each with a name and a calibration of its own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pydantic import TypeAdapter

from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.device_state import DeviceState
from benchmarks.stream.fleet import device_id
from functions.calibrations import identity

_CHUNK = 5_000
_Documents = TypeAdapter(list[CalibrationDocument])


def multiply(store: Path, *, profile: str, first: int, devices: int) -> None:
    """Copies device 0 to the devices `first` to `devices` - 1, and leaves nothing to be written later."""
    with closing(sqlite3.connect(store, timeout=60, isolation_level=None)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(devices)")]
        others = ", ".join(c for c in columns if c not in {"profile", "device", "state"})
        # the names come from the store itself
        copy = f"INSERT INTO devices (profile, device, state, {others}) SELECT profile, ?, ?, {others} FROM devices WHERE profile = ? AND device = ?"  # noqa: S608, E501
        aside = "INSERT INTO asides (kind, profile, device, revision, data) VALUES ('calibrations', ?, ?, 1, ?)"
        copies = _copies(connection, profile, range(first, devices))
        connection.execute("PRAGMA synchronous = OFF")
        for _ in range(first, devices, _CHUNK):
            connection.execute("BEGIN IMMEDIATE")
            for _, (name, state, calibrations) in zip(range(_CHUNK), copies, strict=False):
                connection.execute(copy, (name, state, profile, device_id(0)))
                if calibrations is not None:
                    connection.execute(aside, (profile, name, calibrations))
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()


def _copies(connection: sqlite3.Connection, profile: str, devices: range) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Name, state and calibrations of each device."""
    where = "WHERE profile = ? AND device = ?", (profile, device_id(0))
    (state,) = connection.execute(f"SELECT state FROM devices {where[0]}", where[1]).fetchone()  # noqa: S608 - from above
    kept = connection.execute(f"SELECT data FROM asides {where[0]} AND kind = 'calibrations'", where[1]).fetchone()  # noqa: S608
    known = DeviceState.decode(state).learning.calibration
    own = next((d for d in _Documents.validate_json(kept[0]) if identity(d) == known), None) if kept else None
    for device in devices:
        if own is None:
            yield device_id(device), state, None
        else:
            # the same to the model, and another one to all that know it by its content
            another = own.model_copy(update={"windows": own.windows + device})
            renamed = state.replace(known.encode(), identity(another).encode())
            yield device_id(device), renamed, _Documents.dump_json([another])
