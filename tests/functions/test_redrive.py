"""After a fix, dead letters and parked messages are published again: none lost, none decided twice, none for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PubsubMessage

from functions.__main__ import main
from functions.errors import PublishError
from functions.publisher import Publisher
from functions.redrive import MOST_REDRIVES, Chosen, Found, Redrive
from local.pubsub import resources
from tests.functions.rig import Rig, batch
from tests.support.tiny_bundle import START, tiny_profile

PROFILE = tiny_profile()
TINY = {"profile": "tiny", "schema_version": "1"}
EVERY = Chosen()


def times(first: int, n: int) -> list[int]:
    return [START + 60 * i for i in range(first, first + n)]


@pytest.fixture
def readings(rig: Rig) -> Callable[[], list[Any]]:
    """What was published to the readings' topic since the last call."""
    from google.pubsub_v1 import SubscriberClient

    with SubscriberClient() as client:
        client.create_subscription(
            name=f"projects/{rig.topics.project}/subscriptions/readings-look",
            topic=f"projects/{rig.topics.project}/topics/{resources.READINGS}",
        )
    return lambda: rig.topics.pull("readings-look")


@pytest.fixture
def redrive(rig: Rig) -> Callable[..., Found]:
    def run(
        source: str = resources.READINGS_PARKED_PULL, chosen: Chosen = EVERY, *, most: int = 100, go: bool = True
    ) -> Found:
        runner = Redrive(rig.topics.project, source, resources.READINGS, rig.publisher, wait_s=0.5)
        try:
            return runner.run(chosen, most=most, go=go)
        finally:
            runner.close()

    return run


def dead_letter(rig: Rig, *messages: bytes, device: str = "d-1", **attributes: str) -> None:
    with PublisherClient() as client:
        client.publish(
            topic=f"projects/{rig.topics.project}/topics/{resources.READINGS_DEAD}",
            messages=[
                PubsubMessage(
                    data=m,
                    ordering_key=device,
                    attributes={**TINY, "CloudPubSubDeadLetterSourceDeliveryCount": "100", **attributes},
                )
                for m in messages
            ],
        )


def test_parked_messages_are_published_again_as_they_came_and_decided_on(
    rig: Rig, redrive: Callable[..., Found], readings: Callable[[], list[Any]], contract: Any
) -> None:
    contract.profiles.clear()
    data = [batch(PROFILE, "d-1", times(i, 5), (50, 5)) for i in (1, 6, 11)]
    for i, d in enumerate(data):
        assert rig.deliver(d, message_id=f"m-{i}", attributes={**TINY, "sent_at": "1.5"}) == 204
    contract.profiles["tiny"] = PROFILE
    found = redrive()
    assert (found.messages, found.again, found.given_up, found.more) == (3, 3, 0, False)
    assert found.reasons == {("tiny", "unknown_profile"): 3}
    again = readings()
    assert [m.data for m in again] == data
    assert {m.ordering_key for m in again} == {"d-1"}
    assert [m.attributes for m in again] == [{**TINY, "sent_at": "1.5", "redrives": "1"}] * 3
    assert rig.parked() == []
    for m in again:
        assert rig.deliver(m.data, attributes=m.attributes) == 204
    assert len(rig.decisions()) == 4


def test_without_go_they_are_counted_and_stay(
    rig: Rig, redrive: Callable[..., Found], readings: Callable[[], list[Any]]
) -> None:
    rig.deliver(b"poison")
    for _ in range(2):
        assert redrive(go=False).again == 1
    assert readings() == []
    assert len(rig.parked()) == 1


@pytest.mark.parametrize("poison", [b"[" * 100_000, b"[]", b"\xff", b'{"device_id": 5}'])
def test_poison_holds_nothing_else_back(rig: Rig, redrive: Callable[..., Found], poison: bytes) -> None:
    rig.deliver(poison)
    rig.deliver(b"other poison")
    assert redrive().again == 2


def test_an_interruption_leaves_no_message_leased(
    rig: Rig, redrive: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        rig.deliver(b"poison")

    def interrupted(_self: Chosen, _attributes: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Chosen, "takes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            redrive()
    assert redrive(go=False).messages == 3


def test_only_those_that_are_chosen_are_published(
    rig: Rig, redrive: Callable[..., Found], readings: Callable[[], list[Any]]
) -> None:
    rig.deliver(b"poison")
    rig.deliver(batch(PROFILE, "d-1", times(1, 1), (50, 5)), attributes={**TINY, "profile": "later"})
    found = redrive(chosen=Chosen(code="unknown_profile"))
    assert (found.again, found.others) == (1, 1)
    assert [m.attributes["profile"] for m in readings()] == ["later"]
    assert [p.attributes["code"] for p in rig.parked()] == ["malformed_message"]


def test_what_comes_back_too_late_is_counted_as_late(
    rig: Rig, redrive: Callable[..., Found], readings: Callable[[], list[Any]]
) -> None:
    rig.send("d-1", times(1, 30), (50.0, 5.0))
    dead_letter(rig, batch(PROFILE, "d-1", times(-4, 3), (50, 5)))
    assert redrive(resources.READINGS_DEAD_PULL).again == 1
    (again,) = readings()
    assert again.attributes == {**TINY, "redrives": "1"}
    assert rig.deliver(again.data, attributes=again.attributes) == 204
    assert rig.store.totals().outcomes["late"] == 3


def test_the_messages_of_each_device_are_published_in_their_order(
    rig: Rig, redrive: Callable[..., Found], readings: Callable[[], list[Any]]
) -> None:
    for i in range(6):
        dead_letter(rig, batch(PROFILE, f"d-{i % 2}", times(i, 1), (50, 5)), device=f"d-{i % 2}")
    assert redrive(resources.READINGS_DEAD_PULL).reasons == {("tiny", ""): 6}
    minutes: dict[str, list[str]] = {}
    for m in readings():
        minutes.setdefault(m.ordering_key, []).append(json.loads(m.data)["readings"][0]["timestamp"])
    assert [len(v) for v in minutes.values()] == [3, 3]
    assert all(v == sorted(v) for v in minutes.values())


def test_a_message_that_comes_back_again_and_again_is_left_where_it_is(
    rig: Rig, redrive: Callable[..., Found], readings: Callable[[], list[Any]]
) -> None:
    rig.deliver(b"poison")
    for round_ in range(1, MOST_REDRIVES + 1):
        assert redrive().again == 1
        (again,) = readings()
        assert again.attributes["redrives"] == str(round_)
        rig.deliver(again.data, attributes=again.attributes)
    found = redrive()
    assert (found.again, found.given_up) == (0, 1)
    assert readings() == []
    assert len(rig.parked()) == 1


def test_what_pubsub_does_not_confirm_stays(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, redrive: Callable[..., Found]
) -> None:
    rig.deliver(b"poison")

    def refuse(self: Publisher, topic: str, messages: Any) -> None:
        raise PublishError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(Publisher, "publish", refuse)
        with pytest.raises(PublishError):
            redrive()
    assert redrive().again == 1
    assert rig.parked() == []


def test_a_limit_leaves_the_rest_and_says_so(rig: Rig, redrive: Callable[..., Found]) -> None:
    dead_letter(rig, *(batch(PROFILE, "d-1", times(i, 1), (50, 5)) for i in range(5)))
    found = redrive(resources.READINGS_DEAD_PULL, most=3)
    assert (found.again, found.more) == (3, True)
    assert redrive(resources.READINGS_DEAD_PULL).again == 2


def test_the_command_counts_first_and_publishes_with_go(
    rig: Rig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT", rig.topics.project)
    rig.deliver(b"poison")
    assert main(("redrive", "parked")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 messages looked at in readings-parked-pull",
        "  1 of profile tiny, parked for malformed_message",
        "1 would be published again: --go does it",
    ]
    assert main(("redrive", "parked", "--go")) == 0
    assert "1 published again" in capsys.readouterr().out
    assert main(("redrive", "dead", "--environment", "nowhere")) == 1
    assert "readings-dead-pull-nowhere" in capsys.readouterr().err
