"""Messages on their way out: recordings cut into messages, in time order, some doubled, some spoilt."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import Reading, ReadingBatch
from simulator.seeds import Stream, generator

#: ways to spoil a message, of which each must be parked and none may stop the stream
_POISONS = (
    b'{"device_id": "%s", "readings": [{"timestamp": "2026-',
    b"not json at all: \xff\xfe",
    b'{"device_id": "%s", "readings": []}',
    b'{"readings": [{"timestamp": "2020-01-01T00:00:00Z", "values": {}}]}',
    b'{"device_id": "%s", "readings": [{"timestamp": "yesterday", "values": {}}]}',
    b'{"device_id": "%s", "readings": [{"timestamp": "2020-01-01T00:00:00Z", "values": {"no_such_sensor": 1.0}}]}',
    b'{"device_id": "%s", "readings": [{"timestamp": "2020-01-01T00:00:00Z", "values": "high"}]}',
)


@dataclass(frozen=True)
class Outgoing:
    """One message before it is sent.

    Attributes:
        device_id: of the device, which is the ordering key too.
        data: the body.
        rows: readings in it; 0 for a spoilt one.
        kind: an honest reading, the second sending of one, or poison.
        last: unix seconds of its last reading.
    """

    device_id: str
    data: bytes
    rows: int
    kind: Literal["reading", "duplicate", "poison"]
    last: int


def count(recordings: Sequence[Recording], batch: int) -> int:
    """How many honest messages the recordings make."""
    return sum(math.ceil(len(r) / batch) for r in recordings)


def in_time_order(recordings: Sequence[Recording], sensors: Sequence[str], batch: int) -> Iterator[Outgoing]:
    """The recordings as messages of up to `batch` readings; devices take turns as their readings fall due."""
    streams = (_messages(r, sensors, batch) for r in recordings)
    return heapq.merge(*streams, key=lambda m: (m.last, m.device_id))


def disturbed(
    messages: Iterable[Outgoing], total: int, *, duplicates: float, poison: int, seed: int
) -> Iterator[Outgoing]:
    """Sends a share of the messages twice and spreads `poison` spoilt ones among the `total`; all readings stay."""
    rng = generator(seed, Stream.MESSAGES)
    before = sorted(rng.integers(0, max(total, 1), size=poison).tolist(), reverse=True)
    spoilt = 0
    for i, message in enumerate(messages):
        while before and before[-1] <= i:
            before.pop()
            body = _POISONS[spoilt % len(_POISONS)].replace(b"%s", message.device_id.encode())
            yield Outgoing(message.device_id, body, 0, "poison", message.last)
            spoilt += 1
        yield message
        if rng.random() < duplicates:
            yield replace(message, kind="duplicate")


def _messages(recording: Recording, sensors: Sequence[str], batch: int) -> Iterator[Outgoing]:
    times, values = recording.timestamps, recording.values
    for at in range(0, len(times), batch):
        rows = zip(times[at : at + batch].tolist(), values[at : at + batch].tolist(), strict=True)
        readings = [
            Reading(
                timestamp=datetime.fromtimestamp(t, UTC),
                values={s: None if math.isnan(v) else v for s, v in zip(sensors, row, strict=True)},
            )
            for t, row in rows
        ]
        data = ReadingBatch(device_id=recording.device_id, readings=readings).encode()
        last = int(times[min(at + batch, len(times)) - 1])
        yield Outgoing(recording.device_id, data, len(readings), "reading", last)
