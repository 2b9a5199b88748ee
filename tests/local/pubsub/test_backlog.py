from __future__ import annotations

from types import SimpleNamespace

import pytest

from local.pubsub.backlog import Backlog
from local.pubsub.delivery import Terms


def message(text: str, key: str = "") -> SimpleNamespace:
    return SimpleNamespace(text=text, ordering_key=key)


def texts(deliveries) -> list[str]:
    return [delivery.message.text for delivery in deliveries]


def backlog(terms: Terms | None = None, forward=lambda message, attempts: False) -> Backlog:
    return Backlog(terms or Terms(), on_change=lambda: None, forward=forward)


def test_an_expired_lease_gives_the_message_to_the_next_taker_and_voids_its_ack_id():
    owed = backlog(Terms(ack_deadline_s=10))
    owed.add(message("a"))
    [first] = owed.take(0.0, 10)

    assert owed.take(9.9, 10) == []
    assert owed.next_event() == 10.0
    [second] = owed.take(10.0, 10)
    owed.acknowledge([first.ack_id])

    assert second.attempt == 2
    assert len(owed) == 1
    owed.acknowledge([second.ack_id])
    assert len(owed) == 0
    assert owed.next_event() is None


def test_an_extended_lease_ends_later():
    owed = backlog(Terms(ack_deadline_s=10))
    owed.add(message("a"))
    [delivery] = owed.take(0.0, 1)
    owed.extend(delivery.ack_id, 30, now=5.0)

    assert owed.take(34.9, 1) == []
    assert texts(owed.take(35.0, 1)) == ["a"]


def test_pauses_double_up_to_the_longest():
    terms = Terms(retry_s=(1.0, 5.0))
    owed = backlog(terms)
    owed.add(message("a"))
    now, pauses = 0.0, []
    for _ in range(4):
        [delivery] = owed.take(now, 1)
        owed.extend(delivery.ack_id, 0, now)
        due = owed.next_event()
        assert due is not None
        pauses.append(due - now)
        now = due

    assert pauses == [1.0, 2.0, 4.0, 5.0]
    assert terms.pause_s(100_000) == 5.0


def test_one_message_of_a_key_is_out_at_a_time_and_a_failed_one_stays_first():
    owed = backlog(Terms(ordered=True, retry_s=(1.0, 1.0)))
    for text, key in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("free", "")):
        owed.add(message(text, key))

    first = owed.take(0.0, 10)
    assert texts(first) == ["a1", "b1", "free"]
    owed.extend(first[0].ack_id, 0, now=0.0)
    assert owed.take(0.5, 10) == []
    [again] = owed.take(1.0, 10)
    assert texts([again]) == ["a1"]
    owed.acknowledge([again.ack_id])
    assert texts(owed.take(1.0, 10)) == ["a2"]


def test_without_ordering_a_key_holds_nothing_back():
    owed = backlog()
    owed.add(message("a1", "a"))
    owed.add(message("a2", "a"))

    assert texts(owed.take(0.0, 10)) == ["a1", "a2"]


@pytest.mark.parametrize("accepted", [True, False])
def test_the_last_attempt_is_forwarded_and_kept_where_nobody_takes_it(accepted):
    forwarded = []
    terms = Terms(ordered=True, max_attempts=5)
    owed = backlog(terms, forward=lambda item, attempts: forwarded.append((item.text, attempts)) or accepted)
    owed.add(message("a1", "a"))
    owed.add(message("a2", "a"))
    for _ in range(5):
        [delivery] = owed.take(0.0, 1)
        owed.extend(delivery.ack_id, 0, now=0.0)

    assert forwarded == [("a1", 5)]
    assert texts(owed.take(0.0, 10)) == (["a2"] if accepted else ["a1"])


def test_a_holder_is_charged_for_what_it_has_out():
    owed = backlog()
    owed.add(message("a"))
    owed.add(message("b"))
    first, second = owed.take(0.0, 10, holder="stream")
    assert owed.held("stream") == 2
    owed.acknowledge([first.ack_id])
    owed.extend(second.ack_id, 0, now=0.0)
    assert owed.held("stream") == 0
