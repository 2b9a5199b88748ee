"""Topics and subscriptions in memory.

One event loop owns a broker, so nothing here locks; only `Subscription.receive` waits.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterable
from typing import Any

from google.pubsub_v1 import types

from local.pubsub.backlog import Backlog
from local.pubsub.delivery import DEFAULT_ACK_DEADLINE_S, Delivery, Terms
from local.pubsub.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError

DELETED_TOPIC = "_deleted-topic_"
_PubsubMessage: Any = types.PubsubMessage.pb()
_RESOURCE = re.compile(r"projects/[^/]+/(topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9\-._~+%]{2,254}")


class Subscription:
    """A subscription: its description, its backlog, and a bell that wakes whoever waits for messages."""

    def __init__(self, proto: Any, broker: Broker) -> None:
        self.proto = proto
        self.closed = False
        self._broker = broker
        self._bell = asyncio.Event()
        self.backlog = Backlog(Terms.of(proto), self.ring, self._forward)

    @property
    def name(self) -> str:
        """The full resource name."""
        return str(self.proto.name)

    def ring(self) -> None:
        """Wake everybody who waits in `receive`."""
        self._bell.set()

    def close(self) -> None:
        """Send everybody away who waits in `receive`, for good."""
        self.closed = True
        self.ring()

    async def receive(self, limit: int, timeout_s: float | None = None, **lease: Any) -> list[Delivery]:
        """Lease up to `limit` messages; wait until there is one, something else rang, or the time is over."""
        self._bell.clear()
        deliveries = self.backlog.take(time.monotonic(), limit, **lease)
        if deliveries:
            return deliveries
        bell = self._bell
        waits = [] if timeout_s is None else [timeout_s]
        if (event := self.backlog.next_event()) is not None:
            waits.append(max(0.0, event - time.monotonic()))
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await bell.wait()
        except TimeoutError:
            pass
        return self.backlog.take(time.monotonic(), limit, **lease)

    def set_push(self, push_config: Any) -> None:
        """Replace the push configuration (an empty one turns this into a pull subscription)."""
        changed = type(self.proto)()
        changed.CopyFrom(self.proto)
        changed.push_config.CopyFrom(push_config)
        self.backlog.terms = Terms.of(changed)
        self.proto.push_config.CopyFrom(push_config)
        self.ring()

    def _forward(self, message: Any, attempts: int) -> bool:
        return self._broker.dead_letter(self, message, attempts)


class Topic:
    """A topic and the subscriptions that get a share of what is published to it."""

    def __init__(self, proto: Any) -> None:
        self.proto = proto
        self.subscriptions: dict[str, Subscription] = {}


class Broker:
    """All topics and subscriptions of one server."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        # consumers de-duplicate by message id, so a restarted server must not count from 1 again
        self._message_ids = itertools.count(time.time_ns() // 1000)

    def create_topic(self, proto: Any) -> Topic:
        """Create a topic under its full name."""
        _check_name(proto.name, "topics")
        if proto.name in self.topics:
            raise AlreadyExistsError(f"topic already exists: {proto.name}")
        topic = self.topics[proto.name] = Topic(proto)
        return topic

    def topic(self, name: str) -> Topic:
        """Find a topic by its full name."""
        _check_name(name, "topics")
        if name not in self.topics:
            raise NotFoundError(f"topic not found: {name}")
        return self.topics[name]

    def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay and keep what they have."""
        for subscription in self.topic(name).subscriptions.values():
            subscription.proto.topic = DELETED_TOPIC
        del self.topics[name]

    def create_subscription(self, proto: Any) -> Subscription:
        """Create a subscription under its full name; it gets what is published from now on."""
        _check_name(proto.name, "subscriptions")
        if proto.name in self.subscriptions:
            raise AlreadyExistsError(f"subscription already exists: {proto.name}")
        topic = self.topic(proto.topic)
        if proto.HasField("dead_letter_policy"):
            self.topic(proto.dead_letter_policy.dead_letter_topic)
        proto.ack_deadline_seconds = proto.ack_deadline_seconds or DEFAULT_ACK_DEADLINE_S
        subscription = Subscription(proto, self)
        topic.subscriptions[proto.name] = self.subscriptions[proto.name] = subscription
        return subscription

    def subscription(self, name: str) -> Subscription:
        """Find a subscription by its full name."""
        _check_name(name, "subscriptions")
        if name not in self.subscriptions:
            raise NotFoundError(f"subscription not found: {name}")
        return self.subscriptions[name]

    def delete_subscription(self, name: str) -> Subscription:
        """Delete a subscription with its backlog, and wake its waiting subscribers."""
        subscription = self.subscription(name)
        del self.subscriptions[name]
        if subscription.proto.topic in self.topics:
            self.topics[subscription.proto.topic].subscriptions.pop(name, None)
        subscription.close()
        return subscription

    def close(self) -> None:
        """Send all waiting subscribers away, so that their calls end by themselves."""
        for subscription in self.subscriptions.values():
            subscription.close()

    def publish(self, topic_name: str, messages: Iterable[Any]) -> list[str]:
        """Hand messages to every subscription of the topic, all or none; gives their new ids."""
        topic, published = self.topic(topic_name), list(messages)
        for message in published:
            if not message.data and not message.attributes:
                raise InvalidArgumentError("a message needs data or at least one attribute")
        for message in published:
            message.message_id = str(next(self._message_ids))
            message.publish_time.GetCurrentTime()
            for subscription in topic.subscriptions.values():
                subscription.backlog.add(message)
        return [message.message_id for message in published]

    def dead_letter(self, source: Subscription, message: Any, attempts: int) -> bool:
        """Publish a copy to the source's dead letter topic, marked as Pub/Sub marks it; False without a topic."""
        topic = source.backlog.terms.dead_letter_topic
        if topic not in self.topics:
            return False
        copy = _PubsubMessage(data=message.data, ordering_key=message.ordering_key, attributes=message.attributes)
        _, project, _, subscription_id = source.name.split("/")
        copy.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = str(attempts)
        copy.attributes["CloudPubSubDeadLetterSourceSubscription"] = subscription_id
        copy.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = project
        copy.attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = message.publish_time.ToJsonString()
        self.publish(topic, [copy])
        return True


def _check_name(name: str, collection: str) -> None:
    match = _RESOURCE.fullmatch(name)
    if match is None or match[1] != collection:
        raise InvalidArgumentError(
            f"invalid resource name {name!r}: expected projects/<project>/{collection}/<id>, where the id has 3 to 255"
            " characters, starts with a letter and does not start with 'goog'"
        )
