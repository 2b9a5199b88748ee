"""The sweep: at regular times it looks after devices that should have sent something by now."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from aiot_anomaly import stream
from aiot_anomaly.errors import MessageError
from functions.api_client import ApiClient
from functions.envelope import PushMessage
from functions.errors import ConflictError
from functions.store import WindowStore
from functions.watch import Watch

#: devices that are looked after at the same time
THREADS = 8
#: of one look into the store
BATCH = 200
#: it ends then, and leaves the rest to the next
DEADLINE_S = 40.0
#: after so long without a sweep that found all parts at work, no silence is believed that began before
PATIENCE_S = 900
_SOURCE = PushMessage("sweep", b"", {})
_log = logging.getLogger(__name__)


class Sweep:
    """Closes the last windows of devices that stopped sending, and opens a `silent` incident for each.

    It costs as much as there are such devices, however many others there are. Where it ends early, the next sweep or
    the device's next message goes on from what was written.
    """

    def __init__(self, store: WindowStore, api: ApiClient, watch: Watch) -> None:
        self._store = store
        self._api = api
        self._watch = watch

    def run(self, now: int | None = None) -> Mapping[str, int]:
        """One sweep; gives how many devices were silent, not due yet, overtaken by a message, or unknown by now.

        Args:
            now: seconds since 1970.

        Raises:
            TransientError: a part does not answer.
        """
        now = int(time.time()) if now is None else now
        give_up = time.monotonic() + DEADLINE_S
        # where the API is down nothing gets through, and it is not the devices that are silent
        self._api.check()
        heard_since = self._heard_since(now)
        found = Counter[str]()
        with ThreadPoolExecutor(THREADS) as pool:
            while time.monotonic() < give_up:
                due = self._store.due(now, BATCH)
                outcomes = Counter(pool.map(lambda d: self._look_after(d[0], d[1], now, heard_since), due))
                found.update(outcomes)
                if len(due) < BATCH or outcomes["overtaken"] == len(due):
                    break
        _log.info("swept", extra={"fields": dict(found)})
        return found

    def _look_after(self, name: str, device: str, now: int, heard_since: int) -> str:
        try:
            profile = self._api.profile(name)
        except MessageError:
            profile = None
        try:
            state, revision = self._store.read(name, device)
            if profile is None:
                # its model is gone; should one come back, the device's next message makes it due again
                self._store.write(name, device, replace(state, due_at=None), revision)
                return "unknown"
            if state.closing is None:
                due = stream.due_at(profile, state, heard_since=heard_since)
                if due > now:
                    self._store.write(name, device, replace(state, due_at=due), revision)
                    return "later"
                # Said before it is done: a message that comes now finds it and does the same first. Else it would
                # decide windows with its readings that are already decided without them.
                self._store.write(name, device, replace(state, closing=now), revision)
                state, revision = self._store.read(name, device)
            if state.closing is not None:
                self._watch.fall_silent(profile, device, state, revision, _SOURCE)
        except ConflictError:
            return "overtaken"
        return "silent"

    def _heard_since(self, now: int) -> int:
        """Since when sweeps found all parts at work."""
        data, revision = self._store.read_aside("sweeps", "all", "all")
        last, since = (0, now) if data is None else json.loads(data)
        if now - last > PATIENCE_S:
            since = now
        try:
            self._store.write_aside("sweeps", "all", "all", json.dumps([now, since]).encode(), revision)
        except ConflictError:
            _log.info("another sweep is under way")
        return int(since)
