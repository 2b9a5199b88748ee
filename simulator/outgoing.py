"""Messages on their way out: recordings cut into messages, in time order, some doubled, some spoilt."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import TypeAdapter, ValidationError

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import DeviceId
from simulator.encoding import Encoder
from simulator.errors import SimulatorError
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
#: rows of each device that are turned into text at once: enough to be quick, few enough to need no memory
_BLOCK = 256
_DEVICE_ID: TypeAdapter[str] = TypeAdapter(DeviceId)


class Outgoing(NamedTuple):
    """One message before it is sent.

    Attributes:
        device_id: of the device, which is the ordering key too.
        data: the body.
        rows: readings in it that can be read; 0 for a spoilt one.
        kind: an honest reading, the second sending of one, either of these spoilt on the way, or poison.
        last: unix seconds of its last reading, by a clock that is right.
        delay: seconds that it is held back.
    """

    device_id: str
    data: bytes
    rows: int
    kind: Literal["reading", "duplicate", "corrupt", "poison"]
    last: int
    delay: float = 0.0


def count(rows: Iterable[int], batch: int) -> int:
    """How many honest messages are made of so many readings of each device."""
    return sum(math.ceil(n / batch) for n in rows)


def in_time_order(
    recordings: Iterable[Recording | Iterable[Recording]],
    sensors: Sequence[str],
    batch: int,
    clock_errors: Mapping[str, int] | None = None,
) -> Iterator[Outgoing]:
    """The recordings as messages of up to `batch` readings; devices take turns as their readings fall due.

    Args:
        recordings: of each device one, or its pieces, which are looked at when their time comes; values in the order of
            `sensors`.
        sensors: names of the values.
        batch: readings a message; one that a piece does not fill is filled from the next.
        clock_errors: seconds by which a device's timestamps are ahead; absent: right.

    Raises:
        SimulatorError: a device id or a value is none that a message can carry.
    """
    ahead = clock_errors or {}
    encoder = Encoder(sensors)
    streams = [_messages([r] if isinstance(r, Recording) else r, encoder, batch, ahead) for r in recordings]
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
            yield message._replace(kind="duplicate")


def _messages(
    pieces: Iterable[Recording], encoder: Encoder, batch: int, clock_errors: Mapping[str, int]
) -> Iterator[Outgoing]:
    """The messages of one device; the contract is checked once a piece, not once a reading."""
    device, readings, due = "", list[bytes](), list[int]()
    for piece in pieces:
        _check(piece)
        device, ahead_s = piece.device_id, clock_errors.get(piece.device_id, 0)
        for begin in range(0, len(piece), _BLOCK):
            times = piece.timestamps[begin : begin + _BLOCK]
            readings += encoder.readings(times + ahead_s, piece.values[begin : begin + _BLOCK])
            due += times.tolist()
            full = len(readings) - len(readings) % batch
            for end in range(batch, full + 1, batch):
                data = encoder.message(device, readings[end - batch : end])
                yield Outgoing(device, data, batch, "reading", due[end - 1])
            del readings[:full], due[:full]
    if readings:
        yield Outgoing(device, encoder.message(device, readings), len(readings), "reading", due[-1])


def _check(recording: Recording) -> None:
    try:
        _DEVICE_ID.validate_python(recording.device_id)
    except ValidationError:
        raise SimulatorError(
            f"device id {recording.device_id!r}; expected up to 128 letters, digits and any of . _ : - , the first of "
            f"them a letter or digit"
        ) from None
    if np.isinf(recording.values).any():
        raise SimulatorError(f"{recording.device_id} has an infinite value; expected numbers, or NaN where missing")
