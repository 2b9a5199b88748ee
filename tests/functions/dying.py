"""A process that works as the function does, and dies at a step of its work where it is told to."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from functions.api_client import ApiClient
from functions.handler import Handler
from functions.pipeline import Pipeline
from functions.publisher import Outgoing, Publisher
from functions.sqlite_store import SqliteStore
from functions.sweep import Sweep
from functions.watch import Watch
from local.pubsub import resources

# the modules are loaded once, and each process is a fork of that: it has no client and no connection yet
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class Steps:
    """Notes each step that was done; at the one that is `fatal`, the process ends with no time for anything."""

    def __init__(self) -> None:
        self.fatal: str | None = None
        self.done: list[str] = []

    def reached(self, step: str) -> None:
        self.done.append(step)
        if step == self.fatal:
            os._exit(9)


class Stepping:
    """What it is around, with steps noted after some of its methods."""

    def __init__(self, part: Any, steps: Steps, after: Mapping[str, str]) -> None:
        self._part = part
        self._steps = steps
        self._after = after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return self._noted(found, self._after[name]) if name in self._after else found

    def _noted(self, call: Callable[..., Any], step: str) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            self._steps.reached(step)
            return result

        return noted


class OneByOne:
    """A publisher that dies between two messages of one request, as if Pub/Sub had taken only the first."""

    def __init__(self, publisher: Publisher, steps: Steps) -> None:
        self._publisher = publisher
        self._steps = steps

    def publish(self, topic: str, messages: Sequence[Outgoing]) -> None:
        for number, message in enumerate(messages, 1):
            self._publisher.publish(topic, [message])
            self._steps.reached(f"publish {min(number, 3)}")


@dataclass(frozen=True)
class Place:
    """Where it works."""

    store: Path
    api: str
    project: str


def _work(place: Place, connection: Connection) -> None:
    steps = Steps()
    methods = {
        "read": "read",
        "write": "write",
        "park": "park",
        "read_aside": "read aside",
        "write_aside": "write aside",
    }
    store: Any = Stepping(SqliteStore(place.store, timeout_s=20, environ={}), steps, methods)
    api: Any = Stepping(ApiClient(place.api), steps, {"predict": "predict", "calibrate": "calibrate"})
    publisher: Any = OneByOne(Publisher(place.project), steps)
    watch = Watch(store, api, publisher, resources.DECISIONS)
    handler = Handler(store, Pipeline(store, api, watch), publisher, resources.READINGS_PARKED)
    sweep = Sweep(store, api, watch)
    while True:
        steps.fatal, work = connection.recv()
        steps.done = []
        if isinstance(work, int):
            sweep.run(work)
        else:
            assert handler.handle(work) == 204
        steps.reached("answer")
        connection.send(steps.done)


class Worker:
    """Processes, one after the other, that take work in: a push request, or the time of a sweep."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.deaths = 0
        self._start()

    def _start(self) -> None:
        self._connection, theirs = _processes.Pipe()
        self._process = _processes.Process(target=_work, args=(self._place, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def take(self, work: bytes | int, fatal: str | None) -> list[str]:
        """Has it done, and done again where a process died of it; gives the steps."""
        try:
            self._connection.send((fatal, work))
            done: list[str] = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            assert self._process.exitcode == 9
            self.deaths += 1
            self._start()
            return self.take(work, None)
        return done

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()
