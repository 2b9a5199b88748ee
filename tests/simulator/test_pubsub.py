from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import parse_readings
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


def recording(device: str) -> Recording:
    return Recording(device, 1_769_990_400 + 900 * np.arange(40), np.full((40, 6), 40.0))


def test_messages_arrive_with_their_ordering_key_and_attributes_in_each_devices_order(server: None) -> None:
    from google.cloud import pubsub_v1

    topic, subscription = f"projects/{PROJECT}/topics/{TOPIC}", f"projects/{PROJECT}/subscriptions/all"
    with pubsub_v1.PublisherClient() as admin, pubsub_v1.SubscriberClient() as subscriber:
        admin.create_topic(name=topic)
        subscriber.create_subscription(request={"name": subscription, "topic": topic, "enable_message_ordering": True})
        fleet = [recording("dma-01"), recording("dma-02")]
        summary = publish(fleet, profile_store.load("leak"), PubSubSink(PROJECT, TOPIC), batch=4, poison=3)
        assert (summary.messages, summary.rows_published) == (23, 80)
        received = []
        for _ in range(50):
            answer = subscriber.pull(subscription=subscription, max_messages=100, timeout=10)
            received += [m.message for m in answer.received_messages]
            if answer.received_messages:
                subscriber.acknowledge(subscription=subscription, ack_ids=[m.ack_id for m in answer.received_messages])
            if len(received) >= summary.messages:
                break
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
