from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import MessageError
from aiot_anomaly.messages import check_against, parse_readings
from simulator.cli import main
from simulator.errors import SimulatorError
from simulator.publisher import publish
from simulator.sinks import PubSubSink

emulator = pytest.importorskip("local.pubsub.emulator", reason="the embedded Pub/Sub is not part of this checkout")
PROJECT, TOPIC = "simulator-test", "readings"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with emulator.running("embedded") as running:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.address)
        yield


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not emulator.find_official():
        stop = pytest.fail if os.environ.get("AIOT_REQUIRE_EMULATOR") == "1" else pytest.skip
        stop("the official Pub/Sub emulator is not installed (AIOT_REQUIRE_EMULATOR=1 makes this a failure)")
    with emulator.running("official") as running:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.address)
        yield


def recording(device: str) -> Recording:
    return Recording(device, 1_769_990_400 + 900 * np.arange(40), np.full((40, 6), 40.0))


def pulled(subscriber: Any, subscription: str, messages: int) -> list[Any]:
    """All messages of a subscription, once there are so many."""
    received: list[Any] = []
    deadline = time.monotonic() + 120
    while len(received) < messages and time.monotonic() < deadline:
        answer = subscriber.pull(subscription=subscription, max_messages=1000, timeout=20)
        received += [m.message for m in answer.received_messages]
        if answer.received_messages:
            subscriber.acknowledge(subscription=subscription, ack_ids=[m.ack_id for m in answer.received_messages])
    return received


def test_messages_arrive_with_their_ordering_key_and_attributes_in_each_devices_order(server: None) -> None:
    from google.cloud import pubsub_v1

    topic, subscription = f"projects/{PROJECT}/topics/{TOPIC}", f"projects/{PROJECT}/subscriptions/all"
    with pubsub_v1.PublisherClient() as admin, pubsub_v1.SubscriberClient() as subscriber:
        admin.create_topic(name=topic)
        subscriber.create_subscription(request={"name": subscription, "topic": topic, "enable_message_ordering": True})
        fleet = [recording("dma-01"), recording("dma-02")]
        summary = publish(fleet, profile_store.load("leak"), PubSubSink(PROJECT, TOPIC), batch=4, poison=3)
        assert (summary.messages, summary.rows_published) == (23, 80)
        received = pulled(subscriber, subscription, summary.messages)
    assert len(received) == 23
    assert {m.ordering_key for m in received} == {"dma-01", "dma-02"}
    assert {(m.attributes["profile"], m.attributes["schema_version"]) for m in received} == {("leak", "1")}
    assert all(float(m.attributes["sent_at"]) > 1.7e9 for m in received)
    # an honest message of this fleet holds four readings, and no poison is as long
    honest = [parse_readings(m.data) for m in received if len(m.data) > 300]
    for device in ("dma-01", "dma-02"):
        times = [r.timestamp for b in honest if b.device_id == device for r in b.readings]
        assert len(times) == 40
        assert times == sorted(times)


def test_a_topic_that_does_not_exist_is_an_error(server: None) -> None:
    with pytest.raises(SimulatorError, match=r"topics/missing.*Does the topic exist"):
        publish([recording("dma-01")], profile_store.load("leak"), PubSubSink(PROJECT, "missing", timeout_s=20))


@pytest.mark.parametrize(
    ("fleet", "name"),
    [
        ("water --districts 4 --days 2 --leak dma-01:8%:-1d:1", "leak"),
        ("meters --meters 4 --days 9 --fraud meter-0001:bypass:-3d", "fraud"),
    ],
)
def test_with_every_fault_switched_on_all_messages_validate_but_the_deliberately_corrupt_ones(
    fleet: str, name: str, official: None, tmp_path: Path
) -> None:
    from google.cloud import pubsub_v1

    topic, subscription = f"projects/{PROJECT}/topics/{TOPIC}", f"projects/{PROJECT}/subscriptions/all"
    faults = "--duplicates 0.1 --poison 7 --corrupt 0.05 --late 0.1:9h --gaps 1:2h --skew 0.6:120s --seed 4"
    disturbed = f"{fleet} {faults} --batch 2 --truth {tmp_path / 'truth.csv'}"
    to = f"--sink pubsub --project {PROJECT} --topic {TOPIC} --summary {tmp_path / 'sent.json'} --quiet"
    with pubsub_v1.PublisherClient() as admin, pubsub_v1.SubscriberClient() as subscriber:
        admin.create_topic(name=topic)
        subscriber.create_subscription(request={"name": subscription, "topic": topic, "enable_message_ordering": True})
        assert main([*disturbed.split(), *to.split()]) == 0
        sent = json.loads((tmp_path / "sent.json").read_text(encoding="utf-8"))
        received = pulled(subscriber, subscription, sent["messages"])
    assert len(received) == sent["messages"]
    counted = ("duplicates", "poison", "corrupt", "late", "out_of_order", "rows_unsent", "skewed")
    assert [name for name in counted if sent[name] < 1] == []
    profile, now, refused, rows = profile_store.load(name), datetime.now(UTC), 0, 0
    for message in received:
        assert (message.attributes["profile"], message.attributes["schema_version"]) == (name, "1")
        try:
            batch = parse_readings(message.data)
            check_against(batch, profile, now)
        except MessageError:
            refused += 1
            continue
        assert batch.device_id == message.ordering_key
        rows += len(batch.readings)
    assert refused == sent["corrupt"] + sent["poison"]
    assert rows == sent["rows_published"]
    assert not any(word in m.data for m in received for word in (b"label", b"truth", b"anomal", b"leak", b"fraud"))
