"""Fills an SQLite store with devices: copies of one device's state, under other names."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.stream.fleet import device_id

_CHUNK = 5_000


def multiply(store: Path, *, profile: str, first: int, devices: int) -> None:
    """Copies the state of device 0 to the devices `first` to `devices` - 1, and leaves nothing to be written later."""
    with closing(sqlite3.connect(store, timeout=60, isolation_level=None)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(devices)")]
        others = ", ".join(c for c in columns if c != "device")
        # the names come from the store itself
        copy = (
            f"INSERT INTO devices (device, {others}) SELECT ?, {others} FROM devices WHERE profile = ? AND device = ?"  # noqa: S608
        )
        connection.execute("PRAGMA synchronous = OFF")
        for begin in range(first, devices, _CHUNK):
            connection.execute("BEGIN IMMEDIATE")
            names = (device_id(device) for device in range(begin, min(devices, begin + _CHUNK)))
            connection.executemany(copy, ((name, profile, device_id(0)) for name in names))
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()
