"""The parts that everything is measured with: Pub/Sub, Firestore and the API, and a function in front of them."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from google.cloud.pubsub_v1 import SubscriberClient
from google.cloud.pubsub_v1.types import PushConfig

from aiot_anomaly import paths
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.messages import attributes
from benchmarks.stream.errors import BenchmarkError
from benchmarks.stream.fleet import Message
from local import environment, firestore, served
from local.process import Process
from local.pubsub import emulator, resources
from local.stack import HOST, api_command, free_port, function_command
from simulator.outgoing import Outgoing
from simulator.sinks import BULK_S, PubSubSink

#: a reading a second, a decision a reading: the most work that a reading can be
PROFILE = "skab"
#: so short that a device needs few readings to begin with its own calibration
LEARNING_S = 100
#: requests that each function works on at once; more threads only take turns on two cores
THREADS = 8
#: longest that the messages of one measurement may take
_PATIENCE_S = 120.0
_SETTLE_S = 0.5
#: the least that Pub/Sub allows
_ACK_DEADLINE_S = 10
_SOURCES = "benchmarks/stream/contenders"


@dataclass(frozen=True)
class System:
    """What is shared by all functions.

    Attributes:
        folder: for logs and stores.
        bundle: the model that the API serves.
        pubsub: which Pub/Sub it is.
        api: URL of the API.
        firestore: address of the Firestore emulator, None where it is not installed.
    """

    folder: Path
    bundle: Bundle
    pubsub: str
    api: str
    firestore: str | None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[System]:
    """Runs Pub/Sub, the API and, where it is installed, Firestore until the end of the block."""
    port = free_port()
    bundle = served.models(folder / "models", PROFILE, learning_s=LEARNING_S)
    with contextlib.ExitStack() as stopping:
        pubsub = stopping.enter_context(emulator.running(log=folder / "pubsub.log"))
        stopping.enter_context(environment.variable("PUBSUB_EMULATOR_HOST", pubsub.address))
        found = stopping.enter_context(firestore.running(folder / "firestore.log")) if firestore.find() else None
        api = Process("api", api_command(port, folder / "models"), cwd=paths.root(), log=folder / "api.log")
        stopping.callback(api.stop)
        api.wait_ready(f"http://{HOST}:{port}/health/ready")
        yield System(folder, bundle, pubsub.kind, f"http://{HOST}:{port}", found)


@dataclass
class Done:
    """What a function did since it was last asked.

    Attributes:
        statuses: how many answers of each.
        first: when the first push came, seconds of the monotonic clock.
        last: when the last one was answered.
        cpu_s: CPU seconds of its process.
        steps: wall and CPU seconds of each step.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    first: float = float("inf")
    last: float = 0.0
    cpu_s: float = 0.0
    steps: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, document: Mapping[str, Any]) -> None:
        """Adds what a GET of the function answered."""
        self.cpu_s += document["cpu_s"]
        if document["statuses"]:
            self.statuses.update(document["statuses"])
            self.first = min(self.first, document["first"])
            self.last = max(self.last, document["last"])
        for step, (wall, cpu) in document["steps"].items():
            before = self.steps.get(step, (0.0, 0.0))
            self.steps[step] = before[0] + wall, before[1] + cpu

    def join(self, other: Done) -> None:
        """Adds what was done at another time."""
        told = {"cpu_s": other.cpu_s, "statuses": other.statuses, "first": other.first, "last": other.last}
        self.add({**told, "steps": other.steps})

    @property
    def acknowledged(self) -> int:
        """Messages that are done."""
        return self.statuses["204"]

    @property
    def refused(self) -> int:
        """Deliveries that it asked to be made again."""
        return self.statuses.total() - self.acknowledged

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.acknowledged / (self.last - self.first) if self.last > self.first else 0.0


class Function:
    """One contender behind a push subscription of its own, which is open only while it is measured.

    Args:
        system: what it works with.
        project: of its topics; no other's.
        source: its file in `contenders/`.
        store: what it is told of its store; an SQLite file of its own if not given.
    """

    def __init__(self, system: System, project: str, source: str, store: str = "") -> None:
        self.project = project
        self.store = system.folder / f"{project}.db"
        port = free_port()
        self._url = f"http://{HOST}:{port}"
        told = {
            "PROJECT": project,
            "STORE": store or str(self.store),
            "API_URL": system.api,
            "THREADS": str(THREADS),
            "STORE_TIMEOUT_S": "20",
        }
        if system.firestore:
            told["FIRESTORE_EMULATOR_HOST"] = system.firestore
        log = system.folder / f"{project}.log"
        self._process = Process(
            project, function_command(port, f"{_SOURCES}/{source}.py"), cwd=paths.root(), log=log, environment=told
        )
        self._subscriber = SubscriberClient()
        self._subscription = self._subscriber.subscription_path(project, resources.READINGS_PUSH)

    def start(self) -> None:
        """Waits until it answers, and makes its topics."""
        self._process.wait_ready(self._url)
        resources.create(self.project, self._url, ack_deadline_s=_ACK_DEADLINE_S)
        # nobody reads it, and the emulator takes twice as long to publish where one keeps the order of many keys
        unread = self._subscriber.subscription_path(self.project, resources.DECISIONS_PULL)
        self._subscriber.delete_subscription(subscription=unread)
        self._push(to="")

    def drain(self, messages: Sequence[Message]) -> Done:
        """Has it work through messages that all wait already, as fast as it goes.

        Raises:
            BenchmarkError: it took too long.
        """
        self.publish(messages)
        with self.opened():
            return self.wait(len(messages))

    def publish(self, messages: Sequence[Message]) -> None:
        """Puts messages into its topic."""
        sink = PubSubSink(self.project, resources.READINGS, hold_s=BULK_S)
        common = attributes(PROFILE)
        for m in messages:
            sink.send(Outgoing(m.key, m.data, 1, "reading", 0), common)
        sink.close()

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Pub/Sub pushes to it in the block."""
        httpx.get(self._url)  # what was counted before does not matter
        self._push(to=self._url)
        try:
            yield
            # an answer that comes after the change acknowledges nothing: the message would come again, when it is late
            time.sleep(_SETTLE_S)
        finally:
            self._push(to="")

    def wait(self, messages: int) -> Done:
        """Waits until it has taken so many messages since it was opened; errors as for `drain`."""
        done, give_up = Done(), time.monotonic() + _PATIENCE_S
        while done.acknowledged < messages:
            time.sleep(0.2)
            done.add(httpx.get(self._url, timeout=30).json())
            if time.monotonic() > give_up:
                raise BenchmarkError(
                    f"{self.project}: {done.acknowledged} of {messages} messages in {_PATIENCE_S:.0f} s"
                )
        return done

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()
        self._subscriber.close()

    def _push(self, to: str) -> None:
        config = PushConfig(push_endpoint=to)
        self._subscriber.modify_push_config(subscription=self._subscription, push_config=config)
