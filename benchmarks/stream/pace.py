"""Open loop: messages at a constant rate, whatever becomes of those before, and how long each takes to be decided."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from google.cloud.pubsub_v1 import SubscriberClient

from aiot_anomaly.messages import attributes
from benchmarks.stream.errors import BenchmarkError
from benchmarks.stream.fleet import Message
from benchmarks.stream.system import Done, Function
from local.pubsub import resources
from simulator.sinks import publisher_client

#: longest that a message waits in the publisher for others
_HOLD_S = 0.001
#: after the last message was published
_PATIENCE_S = 60.0


class Paced(NamedTuple):
    """What was seen at a rate.

    Attributes:
        latencies_ms: of each message, from the moment at which it was due to the publishing of its first decision.
        behind_ms: the most by which a message was published later than it was due.
        done: what the function counted.
    """

    latencies_ms: list[float]
    behind_ms: float
    done: Done


def paced(function: Function, profile: str, messages: Sequence[Message], rate: float) -> Paced:
    """Publishes the messages at `rate` a second.

    Latency counts from the moment at which a message was due: what waits behind a slow one is slow itself.

    Raises:
        BenchmarkError: decisions did not come.
    """
    with _decisions(function.project) as heard, function.opened():
        behind = _publish(function.project, profile, messages, rate)
        done = function.wait(len(messages))
        latencies = heard.wait(len(messages))
    return Paced([1e3 * s for s in latencies], 1e3 * behind, done)


def _publish(project: str, profile: str, messages: Sequence[Message], rate: float) -> float:
    client = publisher_client(_HOLD_S)
    topic, common, behind = client.topic_path(project, resources.READINGS), attributes(profile), 0.0
    begin, began_at = time.monotonic(), time.time()
    futures = []
    for i, m in enumerate(messages):
        due = i / rate
        if (early := begin + due - time.monotonic()) > 0:
            time.sleep(early)
        behind = max(behind, time.monotonic() - begin - due)
        sent_at = f"{began_at + due:.6f}"
        futures.append(client.publish(topic, m.data, ordering_key=m.key, sent_at=sent_at, **common))
    for future in futures:
        future.result(timeout=_PATIENCE_S)
    client.stop()
    client.transport.close()
    return behind


class _Heard:
    """Latencies by `sent_at`, which is another for each message; of several decisions the first counts."""

    def __init__(self) -> None:
        self._latencies: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, message: Any) -> None:
        with self._lock:
            sent_at = message.attributes.get("sent_at")
            if sent_at:
                latency = message.publish_time.timestamp() - float(sent_at)
                self._latencies[sent_at] = min(latency, self._latencies.get(sent_at, latency))
        message.ack()

    def wait(self, number: int) -> list[float]:
        """The latencies of so many messages, in seconds."""
        give_up = time.monotonic() + _PATIENCE_S
        while len(self._latencies) < number:
            if time.monotonic() > give_up:
                raise BenchmarkError(f"{len(self._latencies)} of {number} messages led to a decision")
            time.sleep(0.05)
        return list(self._latencies.values())


@contextlib.contextmanager
def _decisions(project: str) -> Iterator[_Heard]:
    """Hears what is decided from now on, by a subscription of its own: in any order, as some have no ordering key."""
    heard = _Heard()
    with SubscriberClient() as client:
        name = client.subscription_path(project, f"heard-{time.time_ns()}")
        client.create_subscription(name=name, topic=client.topic_path(project, resources.DECISIONS))
        pull = client.subscribe(name, callback=heard.take)
        try:
            yield heard
        finally:
            pull.cancel()
            pull.result(timeout=10)
            client.delete_subscription(subscription=name)
