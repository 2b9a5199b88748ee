"""Takes messages from subscriptions until the end of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.cloud.pubsub_v1 import SubscriberClient

#: longest that a subscription may take to end
_END_S = 10


@contextmanager
def pulling(project: str, takers: Mapping[str, Callable[[Any], None]]) -> Iterator[None]:
    """Gives each message of a subscription, by name, to who takes it; from several threads at once."""
    with SubscriberClient() as client:
        pulls = [
            client.subscribe(client.subscription_path(project, name), callback=take) for name, take in takers.items()
        ]
        try:
            yield
        finally:
            for pull in pulls:
                pull.cancel()
            for pull in pulls:
                pull.result(timeout=_END_S)
