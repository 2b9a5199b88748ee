"""Messages on their way out: recordings cut into messages, in time order, some doubled, some spoilt."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import DeviceId
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
#: rows that are turned into text at once: enough to be quick, few enough to need no memory
_BLOCK = 2_048
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


def count(recordings: Sequence[Recording], batch: int) -> int:
    """How many honest messages the recordings make."""
    return sum(math.ceil(len(r) / batch) for r in recordings)


def in_time_order(
    recordings: Sequence[Recording],
    sensors: Sequence[str],
    batch: int,
    clock_errors: Mapping[str, int] | None = None,
) -> Iterator[Outgoing]:
    """The recordings as messages of up to `batch` readings; devices take turns as their readings fall due.

    Args:
        recordings: values in the order of `sensors`.
        sensors: names of the values.
        batch: readings a message.
        clock_errors: seconds by which a device's timestamps are ahead; absent: right.

    Raises:
        SimulatorError: a device id or a value is none that a message can carry.
    """
    ahead = clock_errors or {}
    for r in recordings:
        _check(r)
    streams = (_messages(r, sensors, batch, ahead.get(r.device_id, 0)) for r in recordings)
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


def _messages(recording: Recording, sensors: Sequence[str], batch: int, ahead_s: int) -> Iterator[Outgoing]:
    # the contract is checked once a recording, not once a reading: building its models took most of the time. The
    # writer is pydantic's own, so that the text of a number is the same
    device = recording.device_id
    block = max(1, _BLOCK // batch) * batch
    for begin in range(0, len(recording), block):
        due = recording.timestamps[begin : begin + block]
        stamps = np.datetime_as_string((due + ahead_s).astype("datetime64[s]")).tolist()
        rows = recording.values[begin : begin + block].tolist()
        readings = [
            {"timestamp": f"{stamp}Z", "values": dict(zip(sensors, row, strict=True))}
            for stamp, row in zip(stamps, rows, strict=True)
        ]
        for at in range(0, len(readings), batch):
            some = readings[at : at + batch]
            data = to_json({"device_id": device, "readings": some}, inf_nan_mode="null")
            yield Outgoing(device, data, len(some), "reading", int(due[at + len(some) - 1]))


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
