"""The store in one SQLite file: for one machine, with as many threads and processes as it has."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from aiot_anomaly.messages import OUTCOMES
from aiot_anomaly.stream import DeviceState
from functions.errors import ConflictError, SettingsError, StoreUnavailableError
from functions.store import Revision, Totals

#: of the tables below; a file with another one is refused
FORMAT = 1
_COUNTS = (*OUTCOMES, "pending")
# the counts stand beside the state, so that sums need not open every state
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS devices (
  profile TEXT NOT NULL,
  device TEXT NOT NULL,
  revision INTEGER NOT NULL,
  {", ".join(f"{c} INTEGER NOT NULL" for c in _COUNTS)},
  state BLOB NOT NULL,
  PRIMARY KEY (profile, device)
);
CREATE TABLE IF NOT EXISTS parked (
  message_id TEXT PRIMARY KEY,
  profile TEXT NOT NULL,
  code TEXT NOT NULL
) WITHOUT ROWID;
"""
_READ = "SELECT state, revision FROM devices WHERE profile = :profile AND device = :device"
_INSERT = (
    f"INSERT INTO devices (profile, device, revision, {', '.join(_COUNTS)}, state) "  # noqa: S608 - names from above
    f"VALUES (:profile, :device, 1, {', '.join(f':{c}' for c in _COUNTS)}, :state) ON CONFLICT DO NOTHING"
)
_UPDATE = (
    f"UPDATE devices SET revision = revision + 1, {', '.join(f'{c} = :{c}' for c in _COUNTS)}, state = :state "  # noqa: S608 - names from above
    "WHERE profile = :profile AND device = :device AND revision = :revision"
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
            **{str(outcome): n for outcome, n in state.outcomes.items()},
        }
        with self._connection() as connection:
            written = connection.execute(_INSERT if revision is None else _UPDATE, values).rowcount
        if not written:
            raise ConflictError(f"the state of {profile}/{device} is no longer of revision {revision}")

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
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found not in (0, FORMAT):
                    raise SettingsError(
                        f"SQLite store {self._path} is of format {found}, this release reads {FORMAT}: "
                        "give another path in STORE"
                    )
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.OperationalError as e:
            raise StoreUnavailableError(f"SQLite store {self._path}: {e}") from e


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
