"""What the system relies on, against the embedded server and the official emulator alike."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument, NotFound

from local.pubsub import resources

FAST_RETRY = {"minimum_backoff": timedelta(seconds=0.2), "maximum_backoff": timedelta(seconds=1)}


def test_a_published_message_is_pulled_with_all_that_it_carries(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    [message_id] = pubsub.publish(topic, "reading", key="dma-07", profile="leak", schema_version="1")

    [received] = pubsub.pull(subscription)

    message = received.message
    assert message.data == b"reading"
    assert dict(message.attributes) == {"profile": "leak", "schema_version": "1"}
    assert message.message_id == message_id
    assert message.ordering_key == "dma-07"
    assert message.publish_time.year >= 2024
    assert received.delivery_attempt == 0  # counted only with a dead letter policy


def test_an_acknowledged_message_does_not_come_again(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    pubsub.publish(topic, "reading")
    [received] = pubsub.pull(subscription)

    pubsub.give_back(subscription, received, seconds=1)
    pubsub.acknowledge(subscription, received)

    assert pubsub.pull(subscription, timeout=2) == []


def test_each_subscription_gets_every_message(pubsub):
    topic = pubsub.topic()
    subscriptions = [pubsub.subscription(topic, name) for name in ("one", "two")]
    pubsub.publish(topic, "reading")

    assert [len(pubsub.pull(subscription)) for subscription in subscriptions] == [1, 1]
    listed = pubsub.publisher.list_topic_subscriptions(request={"topic": topic})
    assert sorted(listed) == sorted(subscriptions)


def test_a_message_that_was_given_back_comes_again(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    pubsub.publish(topic, "reading")
    [first] = pubsub.pull(subscription)

    pubsub.give_back(subscription, first)

    [second] = pubsub.pull(subscription)
    assert second.message.message_id == first.message.message_id


def test_a_message_comes_again_when_its_ack_deadline_has_passed(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, ack_deadline_seconds=10)
    pubsub.publish(topic, "reading")
    [first] = pubsub.pull(subscription)
    pubsub.give_back(subscription, first, seconds=1)

    [second] = pubsub.pull(subscription, timeout=15)

    assert second.message.message_id == first.message.message_id


def test_a_pull_that_waits_is_woken_by_a_publish(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    timer = threading.Timer(0.5, pubsub.publish, [topic, "late"])
    timer.start()

    [received] = pubsub.pull(subscription, timeout=10)

    assert received.message.data == b"late"
    timer.join()


def test_a_streaming_pull_gets_every_message_once(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    sent = [f"reading-{number}" for number in range(300)]
    got: list[str] = []
    complete = threading.Event()

    def callback(message):
        got.append(message.data.decode())
        message.ack()
        if len(got) >= len(sent):
            complete.set()

    stream = pubsub.subscriber.subscribe(subscription, callback)
    try:
        pubsub.publish(topic, *sent)
        assert complete.wait(20), f"{len(got)} of {len(sent)}"
    finally:
        stream.cancel()
        stream.result(10)
    assert sorted(got) == sorted(sent)
    assert pubsub.pull(subscription, timeout=1) == []


def test_a_streaming_pull_keeps_the_order_of_each_key(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, enable_message_ordering=True)
    got: list[tuple[str, str]] = []
    complete = threading.Event()

    def callback(message):
        got.append((message.ordering_key, message.data.decode()))
        message.ack()
        if len(got) == 6:
            complete.set()

    stream = pubsub.subscriber.subscribe(subscription, callback)
    try:
        for key in ("dma-07", "dma-08"):
            pubsub.publish(topic, "a", "b", "c", key=key)
        assert complete.wait(20), got
    finally:
        stream.cancel()
        stream.result(10)
    for key in ("dma-07", "dma-08"):
        assert [text for owner, text in got if owner == key] == ["a", "b", "c"]


def test_a_push_carries_the_wrapped_message(pubsub, endpoint):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, push_config={"push_endpoint": endpoint.url})
    [message_id] = pubsub.publish(topic, "reading", profile="leak")

    [push] = endpoint.wait(1)

    message = push.body["message"]
    assert push.text == "reading"
    assert push.body["subscription"] == subscription
    assert message["attributes"] == {"profile": "leak"}
    assert message["messageId"] == message["message_id"] == message_id
    assert message["publishTime"] == message["publish_time"]
    assert message["publishTime"].endswith("Z")


def test_a_failed_push_is_retried_until_it_succeeds(pubsub, endpoint):
    topic = pubsub.topic()
    answers = iter([503, 500, 429])
    endpoint.status_of = lambda text: next(answers, 204)
    pubsub.subscription(topic, push_config={"push_endpoint": endpoint.url}, retry_policy=FAST_RETRY)
    pubsub.publish(topic, "reading")

    pushes = endpoint.wait(4)

    assert [push.status for push in pushes] == [503, 500, 429, 204]
    assert len({push.body["message"]["messageId"] for push in pushes}) == 1


def test_a_failed_push_holds_back_its_key_and_no_other(pubsub, endpoint):
    topic = pubsub.topic()
    failures = {"a1": 2}

    def status(text: str) -> int:
        failures[text] = failures.get(text, 0) - 1
        return 204 if failures[text] < 0 else 503

    endpoint.status_of = status
    pubsub.subscription(
        topic, push_config={"push_endpoint": endpoint.url}, enable_message_ordering=True, retry_policy=FAST_RETRY
    )
    pubsub.publish(topic, "a1", "a2", "a3", key="a")
    pubsub.publish(topic, "b1", "b2", key="b")

    pushes = endpoint.wait(7)

    succeeded = [push.text for push in pushes if push.status == 204]
    assert [text for text in succeeded if text.startswith("a")] == ["a1", "a2", "a3"]
    assert [text for text in succeeded if text.startswith("b")] == ["b1", "b2"]
    assert succeeded.index("b1") < succeeded.index("a1")


def test_a_push_endpoint_can_be_changed(pubsub, endpoint):
    topic = pubsub.topic()
    nobody = "http://127.0.0.1:9/push"
    subscription = pubsub.subscription(topic, push_config={"push_endpoint": nobody}, retry_policy=FAST_RETRY)
    pubsub.publish(topic, "reading")

    pubsub.subscriber.modify_push_config(
        request={"subscription": subscription, "push_config": {"push_endpoint": endpoint.url}}
    )

    assert endpoint.wait(1)[0].text == "reading"


def test_a_push_that_never_succeeds_is_dead_lettered(pubsub, endpoint):
    topic, dead = pubsub.topic(), pubsub.topic("dead")
    dead_pull = pubsub.subscription(dead, "dead-pull")
    endpoint.status_of = lambda text: 500
    pubsub.subscription(
        topic,
        push_config={"push_endpoint": endpoint.url},
        retry_policy={"minimum_backoff": timedelta(seconds=0.1), "maximum_backoff": timedelta(seconds=0.2)},
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
    )
    pubsub.publish(topic, "poison", profile="leak")

    [received] = pubsub.pull(dead_pull, timeout=20)

    assert received.message.data == b"poison"
    attributes = dict(received.message.attributes)
    assert attributes["profile"] == "leak"
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert attributes["CloudPubSubDeadLetterSourceSubscription"].startswith("sub-")
    assert attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == "contract"
    assert len(endpoint.pushes) == 5


def test_a_pulled_message_that_is_always_refused_is_dead_lettered(pubsub):
    topic, dead = pubsub.topic(), pubsub.topic("dead")
    dead_pull = pubsub.subscription(dead, "dead-pull")
    subscription = pubsub.subscription(
        topic, dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5}
    )
    pubsub.publish(topic, "poison")

    attempts = []
    for _ in range(5):
        [received] = pubsub.pull(subscription)
        attempts.append(received.delivery_attempt)
        pubsub.give_back(subscription, received)

    assert attempts == [1, 2, 3, 4, 5]
    # the official emulator forwards a refused message when the next one is asked for
    assert pubsub.pull(subscription, timeout=1) == []
    assert [message.message.data for message in pubsub.pull(dead_pull)] == [b"poison"]


def test_what_does_not_exist_is_not_found(pubsub):
    topic, subscription = "projects/contract/topics/nothing", "projects/contract/subscriptions/nothing"
    with pytest.raises(NotFound):
        pubsub.publisher.get_topic(request={"topic": topic})
    with pytest.raises(NotFound):
        pubsub.publisher.delete_topic(request={"topic": topic})
    with pytest.raises(NotFound):
        pubsub.publish(topic, "reading")
    with pytest.raises(NotFound):
        pubsub.subscriber.get_subscription(request={"subscription": subscription})
    with pytest.raises(NotFound):
        pubsub.pull(subscription)
    with pytest.raises(NotFound):
        pubsub.subscriber.subscribe(subscription, lambda message: None).result(10)
    with pytest.raises(NotFound):
        pubsub.subscription(topic)


def test_a_resource_is_created_once_and_gone_when_deleted(pubsub):
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    with pytest.raises(AlreadyExists):
        pubsub.topic()
    with pytest.raises(AlreadyExists):
        pubsub.subscription(topic)

    pubsub.subscriber.delete_subscription(request={"subscription": subscription})
    pubsub.publisher.delete_topic(request={"topic": topic})

    project = "projects/contract"
    assert topic not in {item.name for item in pubsub.publisher.list_topics(request={"project": project})}
    listed = pubsub.subscriber.list_subscriptions(request={"project": project})
    assert subscription not in {item.name for item in listed}


def test_an_id_of_two_characters_is_refused(pubsub):
    with pytest.raises(InvalidArgument):
        pubsub.publisher.create_topic(request={"name": "projects/contract/topics/ab"})


def test_the_resources_of_the_system_are_created_once_and_the_push_follows_its_endpoint(
    pubsub, pubsub_server, endpoint, monkeypatch
):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_server.address)
    project = f"system-{pubsub.suffix}"
    resources.create(project, "http://127.0.0.1:9/push")
    resources.create(project, endpoint.url)

    topics = {topic.name.split("/")[-1] for topic in pubsub.publisher.list_topics(project=f"projects/{project}")}
    assert topics == set(resources.TOPICS)
    name = f"projects/{project}/subscriptions/{resources.READINGS_PUSH}"
    push = pubsub.subscriber.get_subscription(subscription=name)
    assert push.push_config.push_endpoint == endpoint.url
    assert push.enable_message_ordering
    assert push.ack_deadline_seconds == 60
    assert push.retry_policy.maximum_backoff == timedelta(seconds=60)
    assert push.dead_letter_policy.max_delivery_attempts == 100
    for topic, subscription in (
        (resources.DECISIONS, resources.DECISIONS_PULL),
        (resources.READINGS_PARKED, resources.READINGS_PARKED_PULL),
        (resources.READINGS_DEAD, resources.READINGS_DEAD_PULL),
    ):
        pubsub.publish(f"projects/{project}/topics/{topic}", topic)
        [received] = pubsub.pull(f"projects/{project}/subscriptions/{subscription}")
        assert received.message.data.decode() == topic
    pubsub.publish(f"projects/{project}/topics/{resources.READINGS}", "reading", key="dma-07")
    assert endpoint.wait(1)[0].text == "reading"
