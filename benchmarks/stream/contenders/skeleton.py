"""The least that does the work: one store write, one API call and one publish a message, each awaited.

Written as the clients' documentation shows it: a connection to SQLite a thread, a pooled HTTP client, and Pub/Sub's
publisher with its future awaited. It keeps no window: the reading that came is all rows of the window that it asks
about. So it validates, orders and de-duplicates nothing, and a crash loses or doubles what it was at.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import httpx
from google.cloud import pubsub_v1

from benchmarks.stream.contenders.counting import counted

if TYPE_CHECKING:
    from flask import Request


class Skeleton:
    """Its clients, made when the first message comes: the server forks before that."""

    def __init__(self) -> None:
        self._api = httpx.Client(base_url=os.environ["API_URL"])
        self._publisher = pubsub_v1.PublisherClient()
        self._topic = self._publisher.topic_path(os.environ["PROJECT"], "decisions")
        self._local = threading.local()
        self._shapes: dict[str, tuple[list[str], int, int]] = {}
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS last (device TEXT PRIMARY KEY, data BLOB)")

    def take(self, body: bytes) -> None:
        """One message."""
        message = json.loads(body)["message"]
        profile, data = message["attributes"]["profile"], base64.b64decode(message["data"])
        document = json.loads(data)
        device, readings = document["device_id"], document["readings"]
        self._write(device, data)
        answer = self._predict(profile, device, readings)
        attributes = {name: message["attributes"][name] for name in ("sent_at",) if name in message["attributes"]}
        self._publisher.publish(self._topic, answer, **attributes).result(timeout=10)

    def _write(self, device: str, data: bytes) -> None:
        self._connected().execute("INSERT OR REPLACE INTO last VALUES (?, ?)", (device, data))

    def _connected(self) -> sqlite3.Connection:
        """This thread's connection; what it writes is on disk when it returns, as ours is."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(os.environ["STORE"], timeout=10, isolation_level=None)
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _predict(self, profile: str, device: str, readings: list[dict[str, Any]]) -> bytes:
        sensors, inputs, steps = self._shape(profile)
        instances = []
        for reading in readings:
            row = [reading["values"][sensor] for sensor in sensors] + [0.0] * (inputs - len(sensors))
            instances.append({"device_id": device, "window_end": reading["timestamp"], "values": [row] * steps})
        response = self._api.post(f"/v1/models/{profile}:predict", json={"instances": instances})
        return response.raise_for_status().content

    def _shape(self, profile: str) -> tuple[list[str], int, int]:
        """The sensors' names, the number of inputs and the rows of a window."""
        if profile not in self._shapes:
            model = self._api.get(f"/v1/models/{profile}").raise_for_status().json()["profile"]
            sensors = [s["name"] for s in model["sensors"]]
            self._shapes[profile] = sensors, len(sensors) + len(model["derived"]), model["window"]["steps"]
        return self._shapes[profile]


_skeleton: Skeleton | None = None
_lock = threading.Lock()


def take(request: Request) -> tuple[str, int]:
    """Answers a push request."""
    global _skeleton  # noqa: PLW0603 - one for all threads
    with _lock:
        _skeleton = _skeleton or Skeleton()
    _skeleton.take(request.get_data())
    return "", 204


handle = counted(take)
