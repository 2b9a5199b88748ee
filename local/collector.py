"""Collects what comes out of the pipeline: decisions and parked messages, from Pub/Sub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiot_anomaly.messages import Decision
from local.pubsub import resources
from local.pulling import pulling


@dataclass
class Collected:
    """What came so far. Read it under `lock`, or after the end.

    Attributes:
        decisions: by id; a decision that is delivered twice counts once.
        latencies: seconds from the publishing of a reading message to that of its decision, by device.
        deliveries: of decisions, doubles included.
        parked: (code, reason) of each parked message, by message id.
    """

    decisions: dict[str, Decision] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    deliveries: int = 0
    parked: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take_decision(self, message: Any) -> None:
        """Takes a message of `decisions`; notices, which are no decisions, are left aside."""
        if "notice" in message.attributes:
            message.ack()
            return
        decision = Decision.model_validate_json(message.data)
        with self.lock:
            self.deliveries += 1
            new = self.decisions.setdefault(decision.id, decision) is decision
            sent_at = message.attributes.get("sent_at")
            if new and sent_at:
                latency = message.publish_time.timestamp() - float(sent_at)
                self.latencies.setdefault(decision.device_id, []).append(latency)
        message.ack()

    def take_parked(self, message: Any) -> None:
        """Takes a message of `readings-parked`."""
        with self.lock:
            self.parked[message.message_id] = (
                message.attributes.get("code", ""),
                message.attributes.get("reason", ""),
            )
        message.ack()


@contextmanager
def collecting(project: str) -> Iterator[Collected]:
    """Collects from both subscriptions until the end of the block."""
    collected = Collected()
    takers = {
        resources.DECISIONS_PULL: collected.take_decision,
        resources.READINGS_PARKED_PULL: collected.take_parked,
    }
    with pulling(project, takers):
        yield collected
