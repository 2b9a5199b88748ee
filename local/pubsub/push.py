"""Push delivery: one loop per push subscription."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from typing import Any

from local.pubsub.broker import Subscription
from local.pubsub.delivery import Delivery
from local.pubsub.endpoint import Endpoint

# the statuses that Pub/Sub documents as an acknowledgement
SUCCESS = frozenset({102, 200, 201, 202, 204})
# the lease outlives the HTTP timeout, so that nothing is delivered again while its first post is still under way
_LEASE_MARGIN_S = 5.0

_log = logging.getLogger(__name__)


def push_body(delivery: Delivery, subscription: str, *, with_attempt: bool) -> bytes:
    """The wrapped JSON form that real Pub/Sub posts; the attempt is sent only with a dead letter policy."""
    message = delivery.message
    published = message.publish_time.ToJsonString()
    wrapped: dict[str, Any] = {
        "data": base64.b64encode(message.data).decode(),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.attributes:
        wrapped["attributes"] = dict(message.attributes)
    if message.ordering_key:
        wrapped["orderingKey"] = message.ordering_key
    body: dict[str, Any] = {"message": wrapped, "subscription": subscription}
    if with_attempt:
        body["deliveryAttempt"] = delivery.attempt
    return json.dumps(body).encode()


class Pusher:
    """Posts the messages of one subscription to its endpoint, at most `outstanding` at a time, until stopped."""

    def __init__(self, subscription: Subscription, *, outstanding: int) -> None:
        self._subscription = subscription
        self._outstanding = outstanding
        self._timeout_s = subscription.backlog.terms.ack_deadline_s
        self._url = subscription.proto.push_config.push_endpoint
        self._endpoint = Endpoint(self._url, timeout_s=self._timeout_s)
        self._posts: dict[str, asyncio.Task[None]] = {}  # by ack id
        self._failing = False
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop posting; what is under way counts as failed."""
        posts = dict(self._posts)
        for task in (self._loop, *posts.values()):
            task.cancel()
        await asyncio.gather(self._loop, *posts.values(), return_exceptions=True)
        self._endpoint.close()
        for ack_id in posts:
            self._subscription.backlog.extend(ack_id, 0, time.monotonic())

    async def _run(self) -> None:
        lease_s = self._timeout_s + _LEASE_MARGIN_S
        while True:
            free = self._outstanding - len(self._posts)
            for delivery in await self._subscription.receive(free, lease_s=lease_s, holder="push"):
                self._posts[delivery.ack_id] = asyncio.create_task(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        backlog = self._subscription.backlog
        body = push_body(delivery, self._subscription.name, with_attempt=backlog.terms.max_attempts is not None)
        outcome: int | Exception
        try:
            outcome = await self._endpoint.post(body)
        except OSError as error:
            outcome = error
        delivered = outcome in SUCCESS
        del self._posts[delivery.ack_id]
        if delivered:
            backlog.acknowledge([delivery.ack_id])
        else:
            backlog.extend(delivery.ack_id, 0, time.monotonic())
        self._report(delivered, outcome)

    def _report(self, delivered: bool, outcome: int | Exception) -> None:
        """Log the turn for the worse or the better, not each of thousands of posts."""
        if delivered == self._failing:
            self._failing = not delivered
            state = "works again" if delivered else f"fails ({outcome!r}) and is retried with backoff"
            _log.warning("push of %s to %s %s", self._subscription.name, self._url, state)


class Pushers:
    """The pushers of a server, one for each subscription that has an endpoint."""

    def __init__(self, *, outstanding: int) -> None:
        self._outstanding = outstanding
        self._pushers: dict[str, Pusher] = {}

    async def refresh(self, subscription: Subscription) -> None:
        """Bring push delivery in line with what the subscription now says."""
        if pusher := self._pushers.pop(subscription.name, None):
            await pusher.stop()
        if subscription.proto.push_config.push_endpoint and not subscription.closed:
            self._pushers[subscription.name] = Pusher(subscription, outstanding=self._outstanding)

    async def close(self) -> None:
        """Stop them all."""
        await asyncio.gather(*(pusher.stop() for pusher in self._pushers.values()))
        self._pushers.clear()
