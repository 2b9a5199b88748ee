"""Publishing: recordings become messages, sent at a rate or a speed, and counted."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice, repeat
from pathlib import Path

from tqdm import tqdm

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import attributes
from aiot_anomaly.profile import Profile
from simulator import faults as transport
from simulator import outgoing
from simulator.errors import SimulatorError
from simulator.faults import Faults
from simulator.feed import Feed, by_recording
from simulator.outgoing import Outgoing
from simulator.sinks import Sink

_NO_FAULTS = Faults()
#: where each of them goes is drawn at the beginning
_MOST_POISON = 1_000_000


@dataclass
class Summary:
    """What was sent.

    Attributes:
        messages: all that were sent, duplicates, corrupt ones and poison included.
        rows_published: readings in all messages that can be read, counted again in a duplicate.
        duplicates: messages that were a second sending.
        poison: messages that were made to be spoilt.
        corrupt: honest messages, or duplicates, that were spoilt on their way.
        late: messages that were held back.
        out_of_order: messages sent after one of the same device with a later reading.
        rows_unsent: readings that fell into a silence of their device.
        skewed: devices whose clock was off.
        devices: how many devices the recordings are of.
        seconds: from the first message to the confirmation of the last.
        interrupted: Ctrl-C came before the end.
    """

    messages: int = 0
    rows_published: int = 0
    duplicates: int = 0
    poison: int = 0
    corrupt: int = 0
    late: int = 0
    out_of_order: int = 0
    rows_unsent: int = 0
    skewed: int = 0
    devices: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def __str__(self) -> str:
        rate = self.messages / self.seconds if self.seconds > 0 else 0.0
        begin = "interrupted: " if self.interrupted else ""
        if not self.messages:
            return f"{begin}{self.rows_published} rows of {self.devices} devices"
        rare = {
            "corrupt": self.corrupt,
            "late": self.late,
            "out of order": self.out_of_order,
            "rows in gaps": self.rows_unsent,
            "skewed clocks": self.skewed,
        }
        return (
            f"{begin}{self.messages} messages ({self.duplicates} duplicates, "
            f"{self.poison} poison{''.join(f', {n} {what}' for what, n in rare.items() if n)}) with "
            f"{self.rows_published} rows of {self.devices} devices in {self.seconds:.1f} s ({rate:.0f} messages/s)"
        )

    def write(self, path: Path) -> None:
        """Writes it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def publish(
    recordings: Sequence[Recording] | Feed,
    profile: Profile,
    sink: Sink,
    *,
    batch: int = 1,
    rate: float = 0.0,
    speed: float = 0.0,
    duplicates: float = 0.0,
    poison: int = 0,
    faults: Faults = _NO_FAULTS,
    seed: int = 0,
    progress: bool = False,
) -> Summary:
    """Sends recordings in time order, waits for the deliveries and closes the sink. Ctrl-C ends it early and in order.

    Labels stay behind: ground truth never travels in a message.

    Args:
        recordings: of one profile, values in its sensors' order; of a feed the pieces are asked for as they fall due.
        profile: names the sensors, and itself in the messages' attributes.
        sink: where to; closed afterwards.
        batch: readings a message, of one device.
        rate: messages a second; 0: as fast as it goes.
        speed: how many times faster than their timestamps the messages follow each other; 0: as fast as it goes.
        duplicates: share of the messages that is sent twice.
        poison: number of further messages that are spoilt, in turn in every way that the pipeline must park.
        faults: what else befalls them.
        seed: of the duplicates, the poison and the faults.
        progress: show a bar on stderr if that is a terminal.

    Raises:
        SimulatorError: a reading is of the future, or a message was not delivered.
    """
    check_numbers(batch=batch, rate=rate, speed=speed, duplicates=duplicates, poison=poison)
    feed = recordings if isinstance(recordings, Feed) else by_recording(recordings)
    _check_times(feed)
    silent = [transport.silences(d, t, faults.gaps, seed) for d, t in zip(feed.devices, feed.times, strict=True)]
    wrong = {d: transport.clock_error(d, faults.skew, seed) for d in feed.devices}
    rows = [int(transport.outside(t, s).sum()) for t, s in zip(feed.times, silent, strict=True)]
    summary = Summary(
        devices=len(wrong),
        skewed=sum(error != 0 for error in wrong.values()),
        rows_unsent=sum(map(len, feed.times)) - sum(rows),
    )
    total = outgoing.count(rows, batch)
    heard = [map(transport.audible, own, repeat(s)) for own, s in zip(feed.by_device(), silent, strict=True)]
    messages = outgoing.in_time_order(heard, profile.sensor_names, batch, wrong)
    if duplicates or poison:
        messages = outgoing.disturbed(messages, total, duplicates=duplicates, poison=poison, seed=seed)
    if faults.corrupt:
        messages = transport.corrupted(messages, faults.corrupt, seed)
    if faults.late.rate:
        messages = transport.delayed(messages, faults.late, seed)
    common, newest = attributes(profile.name), dict[str, int]()
    bar = tqdm(total=total, desc="publishing", unit="msg", disable=None if progress else True)
    begin = time.monotonic()
    try:
        with bar, _heap_frozen():
            # what comes before the first message, such as the simulation of a first piece, does not count
            messages = chain(list(islice(messages, 1)), messages)
            begin = time.monotonic()
            for message in _paced(messages, rate, speed) if rate or speed else messages:
                sink.send(message, {**common, "sent_at": f"{time.time():.6f}"})
                _add(summary, message, newest)
                bar.update(message.kind in {"reading", "corrupt"})
    except KeyboardInterrupt:
        summary.interrupted = True
    finally:
        sink.close()
        summary.seconds = time.monotonic() - begin
    return summary


def _paced(messages: Iterator[Outgoing], rate: float, speed: float) -> Iterator[Outgoing]:
    """Hands each message on when it is due; where both limits are given the slower one holds."""
    begin, first = time.monotonic(), None
    for sent, message in enumerate(messages):
        due = begin
        if rate > 0:
            due += sent / rate
        if speed > 0:
            first = message.last if first is None else first
            due = max(due, begin + (message.last + message.delay - first) / speed)
        if due > begin:
            time.sleep(max(0.0, due - time.monotonic()))
        yield message


@contextmanager
def _heap_frozen() -> Iterator[None]:
    """Keeps what is in memory already out of garbage collections.

    A message lives until it is confirmed, long enough for every few thousand of them to start a full collection, and
    one of all that the libraries have loaded took as long as publishing hundreds of messages.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _add(summary: Summary, message: Outgoing, newest: dict[str, int]) -> None:
    summary.messages += 1
    summary.rows_published += message.rows
    summary.duplicates += message.kind == "duplicate"
    summary.poison += message.kind == "poison"
    summary.corrupt += message.kind == "corrupt"
    summary.late += message.delay > 0
    before = newest.setdefault(message.device_id, message.last)
    if message.last < before:
        summary.out_of_order += 1
    else:
        newest[message.device_id] = message.last


def check_numbers(*, batch: int, rate: float, speed: float, duplicates: float, poison: int) -> None:
    """Refuses numbers that `publish` cannot work with.

    Raises:
        SimulatorError: one of them makes no sense.
    """
    numbers_fit = 1 <= batch <= 10_000 and 0 <= duplicates <= 1 and 0 <= poison <= _MOST_POISON
    if not numbers_fit or not 0 <= rate < math.inf or not 0 <= speed < math.inf:
        raise SimulatorError(
            f"batch {batch}, rate {rate}, speed {speed}, duplicates {duplicates}, poison {poison}; expected a batch of "
            f"1 to 10000, duplicates from 0 to 1, poison up to {_MOST_POISON}, and nothing negative"
        )


def _check_times(feed: Feed) -> None:
    latest = max((int(times[-1]) for times in feed.times if len(times)), default=0)
    if latest > time.time():
        raise SimulatorError(f"a reading is {latest - time.time():.0f} s in the future; devices report the past only")
