"""The store of a run: what the function is told of it, what we read of it, and how it becomes unreachable."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from functions.sqlite_store import SqliteStore
from functions.store import WindowStore
from local import environment, firestore
from local.chaos import outage
from local.process import Process

StoreKind = Literal["sqlite", "firestore"]
_DATABASE = "aiot"


class Store(Protocol):
    """A store that the function is given, and that can be made unreachable."""

    @property
    def environment(self) -> dict[str, str]:
        """What the function is told."""

    def opened(self) -> WindowStore:
        """Opens it, to be closed by whoever asked."""

    def away(self, *, reads: bool) -> AbstractContextManager[None]:
        """Nobody can write in the block; where `reads`, nobody can read either."""


@dataclass(frozen=True)
class Sqlite:
    """An SQLite file."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """See `Store`."""
        return {"STORE": str(self.path)}

    def opened(self) -> WindowStore:
        """See `Store`."""
        return SqliteStore(self.path, timeout_s=30)

    def away(self, *, reads: bool) -> AbstractContextManager[None]:
        """See `Store`."""
        return outage.locked(self.path, reads=reads)


@dataclass(frozen=True)
class Firestore:
    """A database on the Firestore emulator; a project of its own keeps runs apart."""

    project: str
    address: str
    emulator: Process

    @property
    def environment(self) -> dict[str, str]:
        """See `Store`."""
        return {"STORE": f"firestore:{_DATABASE}", "FIRESTORE_EMULATOR_HOST": self.address, "STORE_TIMEOUT_S": "1.5"}

    def opened(self) -> WindowStore:
        """See `Store`; FIRESTORE_EMULATOR_HOST must name the emulator."""
        # only here: its client takes a second to load
        from functions.firestore_store import FirestoreStore  # noqa: PLC0415 - see above

        return FirestoreStore(self.project, _DATABASE, timeout_s=30)

    def away(self, *, reads: bool) -> AbstractContextManager[None]:  # noqa: ARG002 - a frozen server does neither
        """See `Store`."""
        return outage.frozen(self.emulator)


@contextlib.contextmanager
def opening(kind: StoreKind, folder: Path) -> Iterator[Callable[[str], Store]]:
    """Gives what makes a store for a run of that project; all of them are in `folder`, or in one emulator."""
    if kind == "sqlite":
        yield lambda project: Sqlite(folder / f"{project}.db")
        return
    with (
        firestore.started(folder / "firestore.log") as (address, emulator),
        environment.variable("FIRESTORE_EMULATOR_HOST", address),
    ):
        yield lambda project: Firestore(project, address, emulator)
