"""The topics and subscriptions of the system, as Terraform makes them in the cloud."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from google.api_core.exceptions import AlreadyExists
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import PushConfig

READINGS = "readings"
READINGS_PARKED = "readings-parked"
READINGS_DEAD = "readings-dead"
DECISIONS = "decisions"
TOPICS = (READINGS, READINGS_PARKED, READINGS_DEAD, DECISIONS)

READINGS_PUSH = "readings-push"
DECISIONS_PULL = "decisions-pull"
READINGS_PARKED_PULL = "readings-parked-pull"
READINGS_DEAD_PULL = "readings-dead-pull"


def create(
    project: str,
    push_endpoint: str,
    *,
    ack_deadline_s: int = 60,
    min_retry_s: float = 1.0,
    max_retry_s: float = 60.0,
    max_delivery_attempts: int = 100,
) -> None:
    """Create what is missing, on the server that PUBSUB_EMULATOR_HOST names.

    What exists is kept, except that `readings-push` is pointed at `push_endpoint`: the function may come back on
    another port.

    Args:
        project: Any project id; emulators take them all.
        push_endpoint: The URL of the function.
        ack_deadline_s: How long the function may take for one message; 10 to 600.
        min_retry_s: The pause after a first failed push; it doubles with each further one.
        max_retry_s: The longest pause.
        max_delivery_attempts: After so many failures a reading goes to `readings-dead`; 5 to 100.
    """
    names = {topic: f"projects/{project}/topics/{topic}" for topic in TOPICS}
    with PublisherClient() as publisher:
        for name in names.values():
            _ensure(publisher.create_topic, {"name": name})

    push_config = PushConfig(push_endpoint=push_endpoint)
    subscriptions: dict[str, dict[str, Any]] = {
        READINGS_PUSH: {
            "topic": names[READINGS],
            "push_config": push_config,
            "enable_message_ordering": True,
            "ack_deadline_seconds": ack_deadline_s,
            "retry_policy": {
                "minimum_backoff": timedelta(seconds=min_retry_s),
                "maximum_backoff": timedelta(seconds=max_retry_s),
            },
            "dead_letter_policy": {
                "dead_letter_topic": names[READINGS_DEAD],
                "max_delivery_attempts": max_delivery_attempts,
            },
        },
        DECISIONS_PULL: {"topic": names[DECISIONS], "enable_message_ordering": True},
        READINGS_PARKED_PULL: {"topic": names[READINGS_PARKED]},
        READINGS_DEAD_PULL: {"topic": names[READINGS_DEAD]},
    }
    with SubscriberClient() as subscriber:
        for subscription_id, settings in subscriptions.items():
            name = f"projects/{project}/subscriptions/{subscription_id}"
            existed = _ensure(subscriber.create_subscription, {"name": name, **settings})
            if existed and subscription_id == READINGS_PUSH:
                subscriber.modify_push_config(subscription=name, push_config=push_config)


def _ensure(create_resource: Any, request: dict[str, Any]) -> bool:
    """Create a resource; True if it was there already."""
    try:
        create_resource(request=request)
    except AlreadyExists:
        return True
    return False
