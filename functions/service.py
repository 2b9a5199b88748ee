"""The function's parts, put together once for each process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from functions.api_client import ApiClient
from functions.errors import SettingsError, TransientError
from functions.handler import BROKEN, COME_AGAIN, Handler
from functions.pipeline import Pipeline
from functions.publisher import Publisher
from functions.settings import Settings
from functions.sqlite_store import SqliteStore
from functions.store import WindowStore
from functions.sweep import Sweep
from functions.watch import Watch

#: of a sweep that ended
OK = 200
_log = logging.getLogger(__name__)


class Service:
    """Opens the store, and the clients when the first message comes.

    The server loads the function and forks its workers afterwards; gRPC and open connections do not survive that,
    so nothing of the kind is made before the first message.

    Raises:
        SettingsError: the store is not one for this place.
        StoreUnavailableError: it cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = open_store(settings)
        self._lock = threading.Lock()
        self._handler: Handler | None = None
        self._sweep: Sweep | None = None
        self._closing = contextlib.ExitStack()

    def handle(self, body: bytes) -> int:
        """Takes the body of a push request in and gives the HTTP status to answer; see `Handler.handle`."""
        try:
            handler = self._started()
        except Exception:
            _log.exception("cannot start: the message is not acknowledged")
            return BROKEN
        return handler.handle(body)

    def sweep(self) -> tuple[Mapping[str, int], int]:
        """Looks after devices that stopped sending; gives what it found and the HTTP status to answer."""
        try:
            self._started()
            assert self._sweep is not None
            return self._sweep.run(), OK
        except TransientError as e:
            _log.warning("no sweep now: %s", e, extra={"fields": {"code": e.code}})
            return {}, COME_AGAIN
        except Exception:
            _log.exception("unexpected: no sweep")
            return {}, BROKEN

    def close(self) -> None:
        """Closes what was opened."""
        with self._lock:
            if self._handler is not None:
                self._closing.close()
                self._handler = None
                _log.info("closed")

    def _started(self) -> Handler:
        if self._handler is None:
            with self._lock:
                if self._handler is None:
                    self._handler = self._start()
        return self._handler

    def _start(self) -> Handler:
        s = self._settings
        # the one that may fail for want of credentials comes first: the others would stay open
        publisher = Publisher(s.project, timeout_s=s.publish_timeout_s)
        api = ApiClient(s.api_url, timeout_s=s.api_timeout_s, deadline_s=s.api_deadline_s)
        for part in (self._store, api, publisher):
            self._closing.callback(part.close)
        watch = Watch(self._store, api, publisher, s.decisions_topic)
        self._sweep = Sweep(self._store, api, watch)
        return Handler(self._store, Pipeline(self._store, api, watch), publisher, s.parked_topic)


def open_store(settings: Settings, *, must_exist: bool = False) -> WindowStore:
    """The store that the settings name.

    Raises:
        SettingsError: it is not one for this place, or `must_exist` and there is no such file.
        StoreUnavailableError: it cannot be opened.
    """
    if settings.firestore_database is None:
        if must_exist and not Path(settings.store).is_file():
            raise SettingsError(f"there is no SQLite store {settings.store}: where does the function keep its own?")
        return SqliteStore(Path(settings.store), timeout_s=settings.store_timeout_s)
    # its client costs memory and time at the start, which only those pay who use it
    from functions.firestore_store import FirestoreStore  # noqa: PLC0415 - see above

    return FirestoreStore(settings.project, settings.firestore_database, timeout_s=settings.store_timeout_s)
