"""The store in one SQLite file: for one machine, with as many threads and processes as it has."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import OUTCOMES
from functions.errors import ConflictError, SettingsError, StoreUnavailableError
from functions.store import Kind, Revision, Totals

#: of the tables below; a file with an older one is brought up to it, one with a newer one refused
FORMAT = 2
_COUNTS = (*OUTCOMES, "pending")
# the counts stand beside the state, so that sums need not open every state
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS devices (
  profile TEXT NOT NULL,
  device TEXT NOT NULL,
  revision INTEGER NOT NULL,
  {", ".join(f"{c} INTEGER NOT NULL" for c in _COUNTS)},
  state BLOB NOT NULL,
  due_at INTEGER,
  PRIMARY KEY (profile, device)
);
CREATE INDEX IF NOT EXISTS devices_due ON devices (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS asides (
  kind TEXT NOT NULL,
  profile TEXT NOT NULL,
  device TEXT NOT NULL,
  revision INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (kind, profile, device)
);
CREATE TABLE IF NOT EXISTS parked (
  message_id TEXT PRIMARY KEY,
  profile TEXT NOT NULL,
  code TEXT NOT NULL
) WITHOUT ROWID;
"""
# devices that sent nothing since an older release are due at once: a sweep then looks when they are
_MIGRATIONS = {1: "ALTER TABLE devices ADD COLUMN due_at INTEGER; UPDATE devices SET due_at = 0;"}
_READ = "SELECT state, revision FROM devices WHERE profile = :profile AND device = :device"
_INSERT = (
    f"INSERT INTO devices (profile, device, revision, {', '.join(_COUNTS)}, state, due_at) "  # noqa: S608 - names from above
    f"VALUES (:profile, :device, 1, {', '.join(f':{c}' for c in _COUNTS)}, :state, :due_at) ON CONFLICT DO NOTHING"
)
_UPDATE = (
    f"UPDATE devices SET revision = revision + 1, {', '.join(f'{c} = :{c}' for c in _COUNTS)}, state = :state, "  # noqa: S608 - names from above
    "due_at = :due_at WHERE profile = :profile AND device = :device AND revision = :revision"
)
_DUE = "SELECT profile, device FROM devices WHERE due_at <= ? ORDER BY due_at LIMIT ?"
_READ_ASIDE = "SELECT data, revision FROM asides WHERE kind = ? AND profile = ? AND device = ?"
_INSERT_ASIDE = (
    "INSERT INTO asides (kind, profile, device, revision, data) VALUES (:kind, :profile, :device, 1, :data) "
    "ON CONFLICT DO NOTHING"
)
_UPDATE_ASIDE = (
    "UPDATE asides SET revision = revision + 1, data = :data "
    "WHERE kind = :kind AND profile = :profile AND device = :device AND revision = :revision"
)
_PARK = "INSERT INTO parked (message_id, profile, code) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_SUMS = (
    f"SELECT COUNT(*), {', '.join(f'TOTAL({c})' for c in _COUNTS)} FROM devices "  # noqa: S608 - names from above
    "WHERE :profile IS NULL OR profile = :profile"
)
_PARKED = "SELECT code, COUNT(*) FROM parked WHERE :profile IS NULL OR profile = :profile GROUP BY code ORDER BY code"


class SqliteStore:
    """A `WindowStore` in the file `path`, which is made if there is none.

    Each thread has a connection of its own. A write is one conditional statement, so it needs no transaction
    around a read, and is on disk when it returns.

    Args:
        path: of the database file.
        timeout_s: how long to wait for another writer.
        environ: says by K_SERVICE that this is Cloud Run.

    Raises:
        SettingsError: this is Cloud Run, or the file is of another format.
        StoreUnavailableError: the file cannot be opened.
    """

    def __init__(self, path: Path, *, timeout_s: float = 4.0, environ: Mapping[str, str] = os.environ) -> None:
        if service := environ.get("K_SERVICE"):
            raise SettingsError(
                f"the SQLite store {path} would be lost with each instance of Cloud Run service {service}, and each "
                "instance would have its own: set STORE=firestore:<database>"
            )
        self._path = path
        self._timeout_s = timeout_s
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()

    def read(self, profile: str, device: str) -> tuple[DeviceState, Revision]:
        """See `WindowStore`."""
        with self._connection() as connection:
            row = connection.execute(_READ, {"profile": profile, "device": device}).fetchone()
        if row is None:
            return DeviceState(), None
        return DeviceState.decode(row[0]), str(row[1])

    def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
        """See `WindowStore`."""
        values: dict[str, object] = {
            "profile": profile,
            "device": device,
            "revision": revision,
            "state": state.encode(),
            "pending": state.pending,
            "due_at": state.due_at,
            **{str(outcome): n for outcome, n in state.outcomes.items()},
        }
        self._write(_INSERT if revision is None else _UPDATE, values, "state")

    def due(self, now: int, most: int) -> list[tuple[str, str]]:
        """See `WindowStore`."""
        with self._connection() as connection:
            return connection.execute(_DUE, (now, most)).fetchall()

    def bring_up(self) -> int:
        """See `WindowStore`: opening the file has done it."""
        return 0

    def read_aside(self, kind: Kind, profile: str, device: str) -> tuple[bytes | None, Revision]:
        """See `WindowStore`."""
        with self._connection() as connection:
            row = connection.execute(_READ_ASIDE, (kind, profile, device)).fetchone()
        return (None, None) if row is None else (row[0], str(row[1]))

    def write_aside(self, kind: Kind, profile: str, device: str, data: bytes, revision: Revision) -> None:
        """See `WindowStore`."""
        values = {"kind": kind, "profile": profile, "device": device, "data": data, "revision": revision}
        self._write(_INSERT_ASIDE if revision is None else _UPDATE_ASIDE, values, kind)

    def park(self, message_id: str, profile: str, code: str) -> None:
        """See `WindowStore`."""
        with self._connection() as connection:
            connection.execute(_PARK, (message_id, profile, code))

    def totals(self, profile: str | None = None) -> Totals:
        """See `WindowStore`."""
        with self._connection() as connection:
            connection.execute("BEGIN")  # both sums of the same moment
            try:
                devices, *counts = connection.execute(_SUMS, {"profile": profile}).fetchone()
                parked = dict(connection.execute(_PARKED, {"profile": profile}).fetchall())
            finally:
                connection.execute("COMMIT")
        sums = dict(zip(_COUNTS, map(int, counts), strict=True))
        return Totals({o: sums[o] for o in OUTCOMES}, sums["pending"], parked, devices)

    def close(self) -> None:
        """Closes the connections of all threads."""
        with self._lock:
            while self._connections:
                self._connections.pop().close()
            self._local = threading.local()

    def _write(self, statement: str, values: Mapping[str, object], what: str) -> None:
        with self._connection() as connection:
            written = connection.execute(statement, values).rowcount
        if not written:
            named = f"{what} of {values['profile']}/{values['device']}"
            raise ConflictError(f"the {named} is no longer of revision {values['revision']}")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self._connect()
                with self._lock:
                    self._connections.append(connection)
            yield connection
        except sqlite3.OperationalError as e:
            raise StoreUnavailableError(f"SQLite store {self._path}: {e}") from e

    def _connect(self) -> sqlite3.Connection:
        # autocommit; `close` comes from another thread than the one that uses the connection
        connection = sqlite3.connect(self._path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepare(self) -> None:
        # nothing stays open: the server forks its workers after this, and SQLite must not be carried across a fork
        try:
            with contextlib.closing(self._connect()) as connection:
                _switch_to_wal(connection, self._timeout_s)
                connection.execute("BEGIN IMMEDIATE")  # of processes that start together one brings the file up
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found > FORMAT:
                    raise SettingsError(
                        f"SQLite store {self._path} is of format {found}, this release reads up to {FORMAT}: "
                        "start the later release again, or give another path in STORE"
                    )
                for statement in (_MIGRATIONS.get(found, "") + _SCHEMA).split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
                connection.execute("COMMIT")
        except sqlite3.OperationalError as e:
            raise StoreUnavailableError(f"SQLite store {self._path}: {e}") from e
        except sqlite3.DatabaseError as e:
            raise SettingsError(f"{self._path} is no SQLite store ({e}): name the function's own in STORE") from e


def _switch_to_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Lets readers and the writer work at the same time."""
    # SQLite does not wait for its busy timeout here when another process is switching too
    give_up = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= give_up:
                raise
            time.sleep(0.01)
