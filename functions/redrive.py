"""Publishes dead letters and parked messages again, after what kept them from being decided on was mended."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.api_core.exceptions import DeadlineExceeded, GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import SubscriberClient

from functions.errors import PublishError
from functions.parking import OWN_ATTRIBUTES
from functions.publisher import Outgoing, Publisher

#: how often a message was published again
REDRIVES = "redrives"
#: one that came back as often is left where it is: what it needs is not another try
MOST_REDRIVES = 3
#: how long messages that are looked at are kept from others, in seconds: the longest that Pub/Sub allows
_LEASE_S = 600
_AT_ONCE = 500
# what Pub/Sub adds to a dead letter
_DEAD_LETTER = "CloudPubSubDeadLetter"


@dataclass
class Found:
    """What there was, and what became of it.

    Attributes:
        messages: that were looked at.
        again: that were published again, or would be.
        reasons: (profile, code) of each of these, and how many; the code is empty for dead letters.
        given_up: that came back too often.
        others: that the filter leaves alone.
        more: whether there are further ones.
    """

    messages: int = 0
    again: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    given_up: int = 0
    others: int = 0
    more: bool = False


@dataclass(frozen=True)
class Chosen:
    """Which messages: of one profile, parked for one reason; all if not given."""

    profile: str | None = None
    code: str | None = None

    def takes(self, attributes: Mapping[str, str]) -> bool:
        """Whether a message with these attributes is one of them."""
        return self.profile in (None, attributes.get("profile")) and self.code in (None, attributes.get("code"))


class Redrive:
    """Takes messages out of a subscription and publishes them to the readings' topic, the oldest first.

    A message is acknowledged when Pub/Sub has confirmed that it is published: a crash in between publishes it twice,
    which decides nothing twice, and loses none.
    """

    def __init__(
        self, project: str, subscription: str, topic: str, publisher: Publisher, *, wait_s: float = 2.0
    ) -> None:
        self._wait_s = wait_s
        self._subscription = f"projects/{project}/subscriptions/{subscription}"
        self._topic = topic
        self._publisher = publisher
        self._client = SubscriberClient()

    def run(
        self, chosen: Chosen, *, most: int, go: bool, progress: Callable[[int, int], None] = lambda *_: None
    ) -> Found:
        """Looks at `most` messages at most; publishes those that are chosen, or only counts them.

        Args:
            chosen: which ones.
            most: messages to look at.
            go: whether to publish; if not, all stay where they are.
            progress: told how many of how many are published.

        Raises:
            PublishError: Pub/Sub does not answer; what was not published yet stays where it is.
        """
        try:
            return self._run(chosen, most, go, progress)
        except (GoogleAPIError, GoogleAuthError) as e:
            raise PublishError(f"{self._subscription}: {type(e).__name__} {e}") from e

    def close(self) -> None:
        """Closes the connection."""
        self._client.transport.close()

    def _run(self, chosen: Chosen, most: int, go: bool, progress: Callable[[int, int], None]) -> Found:
        found, held = Found(), set[str]()
        by_device = defaultdict[str, list[Any]](list)
        try:
            for received in self._pull(most, held):
                message = received.message
                found.messages += 1
                if not chosen.takes(message.attributes):
                    found.others += 1
                elif _redrives(message.attributes) >= MOST_REDRIVES:
                    found.given_up += 1
                else:
                    found.again += 1
                    found.reasons[(message.attributes.get("profile", ""), message.attributes.get("code", ""))] += 1
                    by_device[_ordering_key(message)].append(received)
            found.more = found.messages == most
            done = 0
            # the messages of a request must have one ordering key
            for key, messages in by_device.items() if go else ():
                messages.sort(key=lambda r: _published(r.message))
                self._publisher.publish(self._topic, [_again(r.message, key) for r in messages])
                acknowledged = [r.ack_id for r in messages]
                self._client.acknowledge(request={"subscription": self._subscription, "ack_ids": acknowledged})
                held.difference_update(acknowledged)
                done += len(messages)
                progress(done, found.again)
        finally:
            self._lease(list(held), 0)
        return found

    def _pull(self, most: int, held: set[str]) -> Sequence[Any]:
        """Up to `most` messages; each in `held` once it came: an interruption leaves none leased."""
        found, empty = list[Any](), 0
        while len(found) < most and empty < 2:  # Pub/Sub may give none though there are some
            request = {"subscription": self._subscription, "max_messages": min(_AT_ONCE, most - len(found))}
            try:
                received = list(self._client.pull(request=request, timeout=self._wait_s, retry=None).received_messages)
            except DeadlineExceeded:
                received = []
            held.update(r.ack_id for r in received)
            self._lease([r.ack_id for r in received], _LEASE_S)
            found += received
            empty = 0 if received else empty + 1
        return found

    def _lease(self, ack_ids: Sequence[str], seconds: int) -> None:
        for at in range(0, len(ack_ids), _AT_ONCE):
            self._client.modify_ack_deadline(
                request={
                    "subscription": self._subscription,
                    "ack_ids": list(ack_ids[at : at + _AT_ONCE]),
                    "ack_deadline_seconds": seconds,
                }
            )


def _again(message: Any, ordering_key: str) -> Outgoing:
    original = {
        k: v for k, v in message.attributes.items() if k not in OWN_ATTRIBUTES and not k.startswith(_DEAD_LETTER)
    }
    return Outgoing(
        message.data, original | {REDRIVES: str(_redrives(message.attributes) + 1)}, ordering_key=ordering_key
    )


def _redrives(attributes: Mapping[str, str]) -> int:
    given = attributes.get(REDRIVES, "")
    return int(given) if given.isascii() and given.isdigit() else 0


def _published(message: Any) -> str:
    """When it was published first, for sorting."""
    return str(message.attributes.get("publish_time") or message.publish_time.rfc3339())


def _ordering_key(message: Any) -> str:
    """The device's name, as the contract has it; what is parked does not carry the key of its message."""
    if message.ordering_key:
        return str(message.ordering_key)
    try:
        device = json.loads(message.data).get("device_id", "")
    except (ValueError, AttributeError, RecursionError):  # what is parked may be anything
        return ""
    return device if isinstance(device, str) and len(device.encode()) <= 1024 else ""
