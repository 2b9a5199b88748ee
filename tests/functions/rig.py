"""The function's parts put together in the test's process, on a real store and a real Pub/Sub."""

from __future__ import annotations

import base64
import itertools
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from google.cloud.pubsub_v1 import SubscriberClient

from aiot_anomaly.messages import Decision, Reading, ReadingBatch
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import as_datetime
from functions.api_client import ApiClient
from functions.handler import Handler
from functions.pipeline import Pipeline
from functions.publisher import Publisher
from functions.store import WindowStore
from functions.sweep import Sweep
from functions.watch import Watch
from local.pubsub import resources


def batch(profile: Profile, device: str, at: Sequence[int], values: Any) -> bytes:
    """The data of a message: readings at times `at` (n,) of values (n, S), NaN where missing."""
    rows = np.broadcast_to(np.asarray(values, dtype=float), (len(at), len(profile.sensors)))
    return ReadingBatch(
        device_id=device,
        readings=[
            Reading(
                timestamp=as_datetime(t),
                values={s: None if math.isnan(v) else v for s, v in zip(profile.sensor_names, row, strict=True)},
            )
            for t, row in zip(at, rows.tolist(), strict=True)
        ],
    ).encode()


#: when the messages of the tests were published, unless one says otherwise
PUBLISHED = datetime(2026, 11, 22, 19, tzinfo=UTC)


def push_body(data: bytes, message_id: str, attributes: Mapping[str, str], published: datetime = PUBLISHED) -> bytes:
    """The body that Pub/Sub posts."""
    message = {
        "data": base64.b64encode(data).decode(),
        "attributes": dict(attributes),
        "messageId": message_id,
        "message_id": message_id,
        "publishTime": published.isoformat().replace("+00:00", "Z"),
        "orderingKey": "whatever",
    }
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 1}).encode()


@dataclass(frozen=True)
class Published:
    """A message pulled from a topic."""

    data: bytes
    attributes: dict[str, str]
    ordering_key: str

    @property
    def decision(self) -> Decision:
        return Decision.model_validate_json(self.data)


class Topics:
    """The system's topics in a project of its own."""

    def __init__(self, project: str, push_endpoint: str = "http://127.0.0.1:9/none", **settings: Any) -> None:
        self.project = project
        resources.create(project, push_endpoint, **settings)
        self._subscriber = SubscriberClient()

    def pull(self, subscription: str) -> list[Published]:
        """What is there now; acknowledged."""
        name, found = f"projects/{self.project}/subscriptions/{subscription}", list[Published]()
        while True:
            request = {"subscription": name, "max_messages": 1000, "return_immediately": True}
            with warnings.catch_warnings():
                # deprecated for what it costs a service; here it says at once that there is nothing more
                warnings.simplefilter("ignore", DeprecationWarning)
                received = self._subscriber.pull(request=request, timeout=10).received_messages
            if not received:
                return found
            found += [Published(m.message.data, dict(m.message.attributes), m.message.ordering_key) for m in received]
            self._subscriber.acknowledge(request={"subscription": name, "ack_ids": [m.ack_id for m in received]})

    def close(self) -> None:
        self._subscriber.close()


@dataclass
class Rig:
    """A handler and what it works on."""

    profile: Profile
    topics: Topics
    store: WindowStore
    api: ApiClient
    publisher: Publisher
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def handler(self, store: WindowStore | None = None) -> Handler:
        chosen = store or self.store
        pipeline = Pipeline(chosen, self.api, self.watch(chosen))
        return Handler(chosen, pipeline, self.publisher, resources.READINGS_PARKED)

    def watch(self, store: WindowStore | None = None) -> Watch:
        return Watch(store or self.store, self.api, self.publisher, resources.DECISIONS)

    def sweep(self, now: int, store: WindowStore | None = None) -> dict[str, int]:
        """Looks after silent devices at a time; gives what was found."""
        chosen = store or self.store
        return dict(Sweep(chosen, self.api, self.watch(chosen)).run(now))

    def deliver(
        self,
        data: bytes,
        *,
        message_id: str = "",
        attributes: Mapping[str, str] | None = None,
        handler: Handler | None = None,
        published: datetime = PUBLISHED,
    ) -> int:
        """Pushes one message and gives the status."""
        given = {"profile": self.profile.name, "schema_version": "1"} if attributes is None else attributes
        body = push_body(data, message_id or f"m-{next(self._ids)}", given, published)
        return (handler or self.handler()).handle(body)

    def send(self, device: str, at: Sequence[int], values: Any, **options: Any) -> int:
        """Delivers readings."""
        return self.deliver(batch(self.profile, device, at, values), **options)

    def published(self) -> list[Published]:
        """Messages on `decisions` since the last call."""
        return self.topics.pull(resources.DECISIONS_PULL)

    def decisions(self) -> list[Decision]:
        """Decisions since the last call; notices are left out."""
        return [p.decision for p in self.published() if "notice" not in p.attributes]

    def parked(self) -> list[Published]:
        """Messages on `readings-parked` since the last call."""
        return self.topics.pull(resources.READINGS_PARKED_PULL)
