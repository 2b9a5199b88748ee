"""A Pub/Sub of each kind, and an HTTP endpoint for it to push to."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import PublisherOptions

from local.pubsub import emulator

PROJECT = "contract"


@pytest.fixture(scope="session", params=["embedded", "official"])
def pubsub_server(request: pytest.FixtureRequest) -> Iterator[emulator.Emulator]:
    if request.param == "official" and not emulator.find_official():
        reason = "the official Pub/Sub emulator is not installed (AIOT_REQUIRE_EMULATOR=1 makes this a failure)"
        if os.environ.get("AIOT_REQUIRE_EMULATOR") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with emulator.running(request.param) as server:
        yield server


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[emulator.Emulator]:
    with emulator.running("embedded") as server:
        yield server


@dataclass
class PubSub:
    """Both clients of one server, with fresh names for every test."""

    publisher: Any
    subscriber: Any
    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def topic(self, name: str = "topic") -> str:
        path = f"projects/{PROJECT}/topics/{name}-{self.suffix}"
        self.publisher.create_topic(request={"name": path})
        return path

    def subscription(self, topic: str, name: str = "sub", **settings: Any) -> str:
        path = f"projects/{PROJECT}/subscriptions/{name}-{self.suffix}"
        self.subscriber.create_subscription(request={"name": path, "topic": topic, **settings})
        return path

    def publish(self, topic: str, *data: str, key: str = "", **attributes: str) -> list[str]:
        futures = [self.publisher.publish(topic, item.encode(), ordering_key=key, **attributes) for item in data]
        return [future.result(10) for future in futures]

    def pull(self, subscription: str, timeout: float = 5.0) -> list[Any]:
        """What comes within `timeout`: both an empty answer and a missed deadline mean nothing."""
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            request = {"subscription": subscription, "max_messages": 100}
            try:
                answer = self.subscriber.pull(request=request, timeout=left, retry=None)
            except DeadlineExceeded:
                return []
            if answer.received_messages:
                return list(answer.received_messages)
        return []

    def acknowledge(self, subscription: str, *messages: Any) -> None:
        ids = [message.ack_id for message in messages]
        self.subscriber.acknowledge(request={"subscription": subscription, "ack_ids": ids})

    def give_back(self, subscription: str, *messages: Any, seconds: int = 0) -> None:
        request = {"subscription": subscription, "ack_ids": [message.ack_id for message in messages]}
        self.subscriber.modify_ack_deadline(request={**request, "ack_deadline_seconds": seconds})


def _clients(address: str) -> Iterator[PubSub]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", address)
        publisher = PublisherClient(publisher_options=PublisherOptions(enable_message_ordering=True))
        subscriber = SubscriberClient()
        with publisher, subscriber:
            yield PubSub(publisher, subscriber)


@pytest.fixture
def pubsub(pubsub_server: emulator.Emulator) -> Iterator[PubSub]:
    yield from _clients(pubsub_server.address)


@pytest.fixture
def embedded(embedded_server: emulator.Emulator) -> Iterator[PubSub]:
    yield from _clients(embedded_server.address)


@dataclass(frozen=True)
class Push:
    body: dict[str, Any]
    status: int
    at: float

    @property
    def text(self) -> str:
        return base64.b64decode(self.body["message"]["data"]).decode()


class Endpoint:
    """An HTTP server that remembers what was pushed to it and answers as `status_of` says."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []
        self.status_of: Callable[[str], int] = lambda text: 204
        self.connections = 0
        self._arrived = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = None

            def setup(self) -> None:
                endpoint.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = endpoint.status_of(base64.b64decode(body["message"].get("data", "")).decode())
                # before the answer: the next message of the key may overtake what comes after it
                with endpoint._arrived:
                    endpoint.pushes.append(Push(body, status, time.monotonic()))
                    endpoint._arrived.notify_all()
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", "2")
                self.end_headers()
                if status != 204:
                    self.wfile.write(b"no")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/push"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def wait(self, count: int, timeout: float = 20.0) -> list[Push]:
        """The pushes, as soon as there are `count`."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.pushes) >= count, timeout), self.pushes
            return list(self.pushes)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.server.shutdown()
    served.server.server_close()
