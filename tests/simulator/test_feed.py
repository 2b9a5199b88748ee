from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.fleet import Fleet
from aiot_anomaly.datasets.recording import Recording
from simulator.errors import SimulatorError
from simulator.faults import Faults, Rated
from simulator.feed import Feed
from simulator.outgoing import Outgoing, in_time_order
from simulator.publisher import publish

LEAK = profile_store.load("leak")
START, INTERVAL_S, ROWS = 1_769_990_400, 900, 600


class Memory:
    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    def send(self, message: Outgoing, attributes: Mapping[str, str]) -> None:
        self.sent.append(message)

    def close(self) -> None:
        pass


def fleet() -> Fleet:
    rng = np.random.default_rng(3)
    times = START + INTERVAL_S * np.arange(ROWS)
    return Fleet(tuple(Recording(f"dma-{k:02}", times, np.round(rng.uniform(10, 60, (ROWS, 6)), 2)) for k in (2, 1, 3)))


def cut(whole: Fleet, at: list[int], asked: list[int] | None = None) -> Feed:
    """The fleet in pieces; `asked` is told which were asked for."""

    def pieces() -> Iterator[Fleet]:
        for i, (a, b) in enumerate(zip([0, *at], [*at, ROWS], strict=True)):
            if asked is not None:
                asked.append(i)
            yield Fleet(
                tuple(Recording(r.device_id, r.timestamps[a:b], r.values[a:b]) for r in whole.recordings),
            )

    devices = tuple(r.device_id for r in whole.recordings)
    return Feed(devices, tuple(r.timestamps for r in whole.recordings), (), pieces())


@pytest.mark.parametrize("batch", [1, 7, 250])
@pytest.mark.parametrize("at", [[300], [1, 95, 191, 192, 500]])
def test_pieces_are_sent_as_the_whole_is_with_every_fault(batch: int, at: list[int]) -> None:
    # delays, silences and batches that reach over many of the cuts
    faults = Faults(late=Rated(0.2, 2 * 86_400), gaps=Rated(0.5, 86_400), corrupt=0.1, skew=Rated(0.5, 600))
    sent = []
    for source in (list(fleet().recordings), cut(fleet(), at)):
        sink = Memory()
        summary = publish(source, LEAK, sink, batch=batch, duplicates=0.1, poison=9, faults=faults, seed=5)
        summary.seconds = 0.0
        sent.append((summary, sink.sent))
    (whole, messages), (pieced, same) = sent
    assert whole.messages == len(messages) > 9
    assert min(whole.rows_unsent, whole.late, whole.corrupt, whole.duplicates) > 0
    assert pieced == whole
    assert same == messages


def test_a_piece_is_asked_for_only_when_its_time_has_come() -> None:
    asked: list[int] = []
    feed = cut(fleet(), [100, 200, 300, 400, 500], asked)
    messages = in_time_order(feed.by_device(), LEAK.sensor_names, 1)
    ahead = [len(asked) - 1 - (m.last - START) // INTERVAL_S // 100 for m in messages]
    assert asked == list(range(6))
    # the piece of the message that is sent, and the next from its last row on
    assert set(ahead) == {0, 1}
    assert ahead.count(1) <= 3 * 5


def test_a_feed_of_the_future_is_refused_before_a_piece_is_asked_for() -> None:
    asked: list[int] = []
    feed = cut(fleet(), [300], asked)
    ahead = Feed(feed.devices, tuple(t + 10**9 for t in feed.times), (), feed.pieces)
    with pytest.raises(SimulatorError, match="future"):
        publish(ahead, LEAK, Memory())
    assert asked == []
