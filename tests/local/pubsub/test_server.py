"""What only the embedded server does, or does as real Pub/Sub does and the official emulator does not."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from datetime import timedelta

import pytest
from google.api_core.exceptions import InvalidArgument, MethodNotImplemented

from local.pubsub.endpoint import Endpoint as Poster


def test_a_push_carries_the_ordering_key_and_counts_attempts_with_a_dead_letter_policy(embedded, endpoint):
    topic, dead = embedded.topic(), embedded.topic("dead")
    answers = iter([500])
    endpoint.status_of = lambda text: next(answers, 200)
    embedded.subscription(
        topic,
        push_config={"push_endpoint": endpoint.url},
        enable_message_ordering=True,
        retry_policy={"minimum_backoff": timedelta(seconds=0.1), "maximum_backoff": timedelta(seconds=1)},
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
    )
    embedded.publish(topic, "reading", key="dma-07")

    pushes = endpoint.wait(2)

    assert {push.body["message"]["orderingKey"] for push in pushes} == {"dma-07"}
    assert [push.body["deliveryAttempt"] for push in pushes] == [1, 2]


def test_retries_wait_longer_each_time(embedded, endpoint):
    topic = embedded.topic()
    endpoint.status_of = lambda text: 500
    embedded.subscription(
        topic,
        push_config={"push_endpoint": endpoint.url},
        retry_policy={"minimum_backoff": timedelta(seconds=0.2), "maximum_backoff": timedelta(seconds=0.4)},
    )
    embedded.publish(topic, "reading")

    times = [push.at for push in endpoint.wait(4)]

    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(wait >= least - 0.05 for wait, least in zip(waits, (0.2, 0.4, 0.4), strict=True)), waits


def test_an_endpoint_that_comes_back_gets_what_it_missed_over_few_connections(embedded, endpoint):
    topic = embedded.topic()
    embedded.subscription(topic, push_config={"push_endpoint": endpoint.url}, enable_message_ordering=True)
    for number in range(300):
        embedded.publisher.publish(topic, b"reading", ordering_key=f"device-{number % 100}")

    endpoint.wait(300)

    assert endpoint.connections <= 32


def test_keys_are_pushed_concurrently(embedded, endpoint):
    topic = embedded.topic()

    def slow(text: str) -> int:
        time.sleep(0.5)
        return 204

    endpoint.status_of = slow
    embedded.subscription(topic, push_config={"push_endpoint": endpoint.url}, enable_message_ordering=True)
    began = time.monotonic()
    for number in range(16):
        embedded.publish(topic, "reading", key=f"device-{number}")
    endpoint.wait(16)

    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"filter": 'attributes.profile = "leak"'}, MethodNotImplemented),
        ({"enable_exactly_once_delivery": True}, MethodNotImplemented),
        ({"ack_deadline_seconds": 9}, InvalidArgument),
        ({"push_config": {"push_endpoint": "nowhere"}}, InvalidArgument),
        ({"retry_policy": {"minimum_backoff": timedelta(seconds=9), "maximum_backoff": timedelta(1)}}, InvalidArgument),
    ],
)
def test_a_subscription_that_could_not_be_honoured_is_refused(embedded, settings, error):
    topic = embedded.topic()
    with pytest.raises(error):
        embedded.subscription(topic, **settings)


def test_an_empty_message_is_refused(embedded):
    with pytest.raises(InvalidArgument, match="data or at least one attribute"):
        embedded.publish(embedded.topic(), "")


def test_a_message_that_a_stream_refuses_holds_back_its_key(embedded):
    # the official emulator goes on with the next message of the key
    topic = embedded.topic()
    subscription = embedded.subscription(topic, enable_message_ordering=True)
    got: list[str] = []
    complete = threading.Event()

    def callback(message):
        text = message.data.decode()
        refused = text == "b" and "b" not in got
        got.append(text)
        if refused:
            message.nack()
            return
        message.ack()
        if text == "c":
            complete.set()

    stream = embedded.subscriber.subscribe(subscription, callback)
    try:
        embedded.publish(topic, "a", "b", "c", key="dma-07")
        assert complete.wait(20), got
    finally:
        stream.cancel()
        stream.result(10)
    assert got == ["a", "b", "b", "c"]


def test_a_deleted_subscription_ends_its_stream(embedded):
    subscription = embedded.subscription(embedded.topic())
    stream = embedded.subscriber.subscribe(subscription, lambda message: None)
    time.sleep(0.5)
    embedded.subscriber.delete_subscription(request={"subscription": subscription})
    with pytest.raises(Exception, match="subscription"):
        stream.result(10)


@pytest.mark.parametrize(
    ("answers", "outcomes"),
    [
        ([b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno"], [204, 500]),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"], [200]),
        ([b"HTTP/1.0 200 OK\r\n\r\nuntil the end"], [200]),
        ([b"HTTP/1.1 204 No Content\r\n\r\n", None], [204, OSError]),
        ([b"no http at all\r\n\r\n"], [OSError]),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"], [OSError]),
    ],
)
def test_the_poster_reads_each_kind_of_response(answers, outcomes):
    """`answers` are those of one connection; at their end it is closed, at a None without an answer."""

    async def exchange() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"POST /push?a=b HTTP/1.1\r\n" in head
                assert b"Content-Length: 4\r\n" in head
                assert await reader.readexactly(4) == b"body"
                if answer is None:
                    server.close()  # so that a second connection is refused
                    break
                writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        poster = Poster(f"http://127.0.0.1:{port}/push?a=b", timeout_s=2)
        for outcome in outcomes:
            if isinstance(outcome, int):
                assert await poster.post(b"body") == outcome
            else:
                with pytest.raises(outcome):
                    await poster.post(b"body")
        poster.close()
        server.close()

    asyncio.run(exchange())


def test_an_idle_connection_that_the_server_closed_is_replaced_without_a_failure():
    async def exchange() -> list[int]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"body")
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        poster = Poster(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=2)
        statuses = [await poster.post(b"body") for _ in range(3)]
        server.close()
        return statuses

    assert asyncio.run(exchange()) == [204, 204, 204]
