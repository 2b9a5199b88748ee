"""What a subscription promises about delivery, and one attempt at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.pubsub.errors import InvalidArgumentError, UnsupportedError

DEFAULT_ACK_DEADLINE_S = 10
DEFAULT_MAX_DELIVERY_ATTEMPTS = 5
# what real Pub/Sub uses where a retry policy or its bound is absent
_DEFAULT_RETRY_S = (10.0, 600.0)
_PUSH_RETRY_S = (0.1, 60.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver one message; its `ack_id` is valid until the attempt's lease ends."""

    message: Any  # a google.pubsub.v1 PubsubMessage, shared by all subscriptions and never changed
    attempt: int
    ack_id: str
    holder: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The delivery settings of one subscription, in seconds and attempts.

    `retry_s` is the (first, longest) pause before a redelivery; None redelivers at once.
    `max_attempts` is None without a dead letter policy.
    """

    ordered: bool = False
    ack_deadline_s: float = DEFAULT_ACK_DEADLINE_S
    retry_s: tuple[float, float] | None = None
    max_attempts: int | None = None
    dead_letter_topic: str = ""

    @classmethod
    def of(cls, subscription: Any) -> Terms:
        """Read the terms from a `google.pubsub.v1` Subscription.

        Raises:
            InvalidArgumentError: A setting is outside the limits of Pub/Sub.
            UnsupportedError: The subscription asks for a feature that the embedded server does not have.
        """
        _check_features(subscription)
        _check_endpoint(subscription.push_config.push_endpoint)
        deadline = subscription.ack_deadline_seconds or DEFAULT_ACK_DEADLINE_S
        if not 10 <= deadline <= 600:
            raise InvalidArgumentError(f"ack_deadline_seconds is {deadline}; Pub/Sub takes 10 to 600")
        attempts, topic = None, ""
        if subscription.HasField("dead_letter_policy"):
            policy = subscription.dead_letter_policy
            attempts = policy.max_delivery_attempts or DEFAULT_MAX_DELIVERY_ATTEMPTS
            topic = policy.dead_letter_topic
            if not 5 <= attempts <= 100:
                raise InvalidArgumentError(f"max_delivery_attempts is {attempts}; Pub/Sub takes 5 to 100")
        return cls(subscription.enable_message_ordering, deadline, _retry_s(subscription), attempts, topic)

    def pause_s(self, attempt: int) -> float:
        """How long to wait after failed attempt number `attempt` (the first is 1)."""
        if self.retry_s is None:
            return 0.0
        first, longest = self.retry_s
        # the exponent is bounded: a message may fail for days, and 2.0 ** 1024 overflows
        return min(longest, first * 2.0 ** min(attempt - 1, 32))


def _retry_s(subscription: Any) -> tuple[float, float] | None:
    if not subscription.HasField("retry_policy"):
        return _PUSH_RETRY_S if subscription.push_config.push_endpoint else None
    policy = subscription.retry_policy
    first, longest = _DEFAULT_RETRY_S
    if policy.HasField("minimum_backoff"):
        first = policy.minimum_backoff.ToTimedelta().total_seconds()
    if policy.HasField("maximum_backoff"):
        longest = policy.maximum_backoff.ToTimedelta().total_seconds()
    if not 0 <= first <= longest <= 600:
        raise InvalidArgumentError(
            f"retry_policy is {first} s to {longest} s; Pub/Sub takes 0 to 600 s, the minimum first"
        )
    return first, longest


def _check_endpoint(url: str) -> None:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise InvalidArgumentError(f"push_endpoint is {url!r}; expected an http:// or https:// URL")


def _check_features(subscription: Any) -> None:
    """Refuse what would otherwise be ignored in silence."""
    wanted = {
        "filter": subscription.filter,
        "enable_exactly_once_delivery": subscription.enable_exactly_once_delivery,
        "bigquery_config": subscription.HasField("bigquery_config"),
        "cloud_storage_config": subscription.HasField("cloud_storage_config"),
        "push_config.no_wrapper": subscription.push_config.HasField("no_wrapper"),
    }
    for feature, present in wanted.items():
        if present:
            raise UnsupportedError(f"{feature} is set; the embedded Pub/Sub server does not have it")
