"""Clients that ask for predictions all the time, and keep count of the answers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

import httpx

from aiot_anomaly.bundle import Bundle
from aiot_anomaly.windows import as_datetime

CLIENTS = 2


class Load:
    """Sends one window over and over, from entering the context until leaving it.

    Args:
        url: of the service.
        bundle: whose profile is asked for, and whose first golden window is sent.
        per_second: requests of all clients together, at most.

    Attributes:
        statuses: answers by status; 0 counts requests without one.
        versions: answers by the version of the model that gave them.
    """

    def __init__(self, url: str, bundle: Bundle, per_second: float = 60.0) -> None:
        self.statuses: Counter[int] = Counter()
        self.versions: Counter[str] = Counter()
        golden = bundle.golden
        end = as_datetime(golden.ends[0]).isoformat()
        self._body = {"instances": [{"device_id": "load", "window_end": end, "values": golden.values[0]}]}
        self._url = f"{url}/v1/models/{bundle.profile.name}:predict"
        self._pause_s = CLIENTS / per_second
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._clients = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]

    @property
    def requests(self) -> int:
        """All that were sent and have ended."""
        return self.statuses.total()

    @property
    def failures(self) -> int:
        """Those that were not answered with 200."""
        return self.requests - self.statuses[200]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for client in self._clients:
            client.join()

    def _ask(self) -> None:
        with httpx.Client(timeout=10.0) as client:
            at = time.monotonic()
            while not self._stopped.wait(max(0.0, at - time.monotonic())):
                at = max(at + self._pause_s, time.monotonic())
                try:
                    response = client.post(self._url, json=self._body)
                    status, version = response.status_code, response.headers.get("x-model-version", "none")
                except httpx.HTTPError:
                    status, version = 0, "none"
                with self._lock:
                    self.statuses[status] += 1
                    self.versions[version] += 1
