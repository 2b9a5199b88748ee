"""The Subscriber service: subscriptions, pull and streaming pull."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from google.pubsub_v1 import types

from local.pubsub.broker import Broker, Subscription
from local.pubsub.delivery import Delivery
from local.pubsub.errors import InvalidArgumentError, UnavailableError
from local.pubsub.push import Pushers
from local.pubsub.rpc import EMPTY, service, streaming, unary

_MAX_PULL_WAIT_S = 60.0
_STREAM_BATCH = 1000


class Subscriber:
    """Answers the calls of a subscriber client from a broker, and keeps its pushers in line."""

    def __init__(self, broker: Broker, pushers: Pushers) -> None:
        self._broker = broker
        self._pushers = pushers

    def service(self) -> Any:
        """The gRPC service."""
        return service(
            "Subscriber",
            CreateSubscription=unary(self._create_subscription, types.Subscription),
            GetSubscription=unary(self._get_subscription, types.GetSubscriptionRequest),
            ListSubscriptions=unary(self._list_subscriptions, types.ListSubscriptionsRequest),
            DeleteSubscription=unary(self._delete_subscription, types.DeleteSubscriptionRequest),
            ModifyPushConfig=unary(self._modify_push_config, types.ModifyPushConfigRequest),
            Pull=unary(self._pull, types.PullRequest),
            Acknowledge=unary(self._acknowledge, types.AcknowledgeRequest),
            ModifyAckDeadline=unary(self._modify_ack_deadline, types.ModifyAckDeadlineRequest),
            StreamingPull=streaming(self._streaming_pull, types.StreamingPullRequest),
        )

    async def _create_subscription(self, request: Any, _context: Any) -> Any:
        subscription = self._broker.create_subscription(request)
        await self._pushers.refresh(subscription)
        return subscription.proto

    async def _get_subscription(self, request: Any, _context: Any) -> Any:
        return self._broker.subscription(request.subscription).proto

    async def _list_subscriptions(self, request: Any, _context: Any) -> Any:
        prefix = f"{request.project}/"
        found = [item.proto for name, item in self._broker.subscriptions.items() if name.startswith(prefix)]
        return types.ListSubscriptionsResponse.pb()(subscriptions=found)

    async def _delete_subscription(self, request: Any, _context: Any) -> Any:
        await self._pushers.refresh(self._broker.delete_subscription(request.subscription))
        return EMPTY

    async def _modify_push_config(self, request: Any, _context: Any) -> Any:
        subscription = self._broker.subscription(request.subscription)
        subscription.set_push(request.push_config)
        await self._pushers.refresh(subscription)
        return EMPTY

    async def _pull(self, request: Any, context: Any) -> Any:
        if request.max_messages <= 0:
            raise InvalidArgumentError(f"max_messages is {request.max_messages}; expected at least 1")
        subscription = self._broker.subscription(request.subscription)
        wait_s = 0.0 if request.return_immediately else _pull_wait_s(context.time_remaining())
        until = time.monotonic() + wait_s
        while True:
            # what rings may be of no use to this caller: then it waits on
            left = max(0.0, until - time.monotonic())
            deliveries = await subscription.receive(request.max_messages, timeout_s=left)
            if deliveries or left == 0 or subscription.closed:
                received = [_received(subscription, delivery) for delivery in deliveries]
                return types.PullResponse.pb()(received_messages=received)

    async def _acknowledge(self, request: Any, _context: Any) -> Any:
        self._broker.subscription(request.subscription).backlog.acknowledge(request.ack_ids)
        return EMPTY

    async def _modify_ack_deadline(self, request: Any, _context: Any) -> Any:
        backlog, now = self._broker.subscription(request.subscription).backlog, time.monotonic()
        for ack_id in request.ack_ids:
            backlog.extend(ack_id, request.ack_deadline_seconds, now)
        return EMPTY

    async def _streaming_pull(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        first = await anext(requests, None)
        if first is None:
            return
        subscription = self._broker.subscription(first.subscription)
        # the client relies on the server to hold no more than this; 0 or less means no limit
        limit = first.max_outstanding_messages if first.max_outstanding_messages > 0 else _STREAM_BATCH
        holder, lease_s = uuid4().hex, float(first.stream_ack_deadline_seconds or 10)

        async def listen() -> None:
            nonlocal lease_s
            try:
                async for request in requests:
                    _apply(request, subscription)
                    lease_s = float(request.stream_ack_deadline_seconds or lease_s)
            finally:
                subscription.ring()

        _apply(first, subscription)
        listener = asyncio.create_task(listen())
        properties = {"message_ordering_enabled": subscription.proto.enable_message_ordering}
        try:
            while not listener.done() and not subscription.closed:
                free = min(_STREAM_BATCH, limit - subscription.backlog.held(holder))
                deliveries = await subscription.receive(max(0, free), lease_s=lease_s, holder=holder)
                if deliveries:
                    received = [_received(subscription, delivery) for delivery in deliveries]
                    yield types.StreamingPullResponse.pb()(
                        received_messages=received, subscription_properties=properties
                    )
            if subscription.closed:
                self._broker.subscription(subscription.name)  # a deleted one ends its streams with NOT_FOUND
                # a client takes a stream that ends without an error for the end of everything
                raise UnavailableError("the server is going away")
        finally:
            listener.cancel()


def _apply(request: Any, subscription: Subscription) -> None:
    """Carry out the acknowledgements and deadline changes that travel on a stream."""
    now = time.monotonic()
    if request.ack_ids:
        subscription.backlog.acknowledge(request.ack_ids)
    for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=False):
        subscription.backlog.extend(ack_id, seconds, now)


def _received(subscription: Subscription, delivery: Delivery) -> Any:
    counted = subscription.backlog.terms.max_attempts is not None
    return types.ReceivedMessage.pb()(
        ack_id=delivery.ack_id, message=delivery.message, delivery_attempt=delivery.attempt if counted else 0
    )


def _pull_wait_s(remaining_s: float | None) -> float:
    """Answer an empty pull a little before the client gives up: a message leased to nobody waits out its lease."""
    if remaining_s is None:
        return _MAX_PULL_WAIT_S
    return max(0.0, min(_MAX_PULL_WAIT_S, remaining_s - min(0.5, remaining_s / 4)))
