"""Transport faults: what befalls readings between a device and the topic, drawn from the seed.

Silence and skew belong to a device, corruption and delay to a message. They change what arrives, never what is true:
the ground truth stays as it was. The draws of one fault do not depend on the others.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.recording import Recording
from simulator.clock import DAY_S, parse_duration
from simulator.errors import SimulatorError
from simulator.outgoing import Outgoing
from simulator.seeds import Stream, generator


class Rated(NamedTuple):
    """How often a fault comes, and how long it is.

    Attributes:
        rate: a share from 0 to 1; of gaps their number per device and day.
        seconds: the longest delay, the mean silence or the largest error of a clock.
    """

    rate: float = 0.0
    seconds: float = 0.0


NEVER = Rated()
#: a day and device: one a minute
_MOST_GAPS = 1_440


@dataclass(frozen=True)
class Faults:
    """Which faults a run has; none by default.

    Attributes:
        late: share of the messages that are late, by a time that is uniform up to the longest.
        gaps: silences of a device: a Poisson process, exponential in length. What falls into one is never sent.
        corrupt: share of the messages that arrive cut off, or with a byte overwritten.
        skew: share of the devices whose clock is off by a constant, uniform from minus to plus the largest.

    Raises:
        SimulatorError: a share outside 0 to 1, a negative number, or more than a gap a minute.
    """

    late: Rated = NEVER
    gaps: Rated = NEVER
    corrupt: float = 0.0
    skew: Rated = NEVER

    def __post_init__(self) -> None:
        shares = {"late": self.late.rate, "corrupt": self.corrupt, "skew": self.skew.rate}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise SimulatorError(f"{name}: {share:g} is no share; expected 0 to 1")
        if not 0 <= self.gaps.rate <= _MOST_GAPS:
            raise SimulatorError(f"gaps: {self.gaps.rate:g} a day; expected 0 to {_MOST_GAPS}")
        if min(self.late.seconds, self.gaps.seconds, self.skew.seconds) < 0:
            raise SimulatorError("late, gaps, skew: a negative time; expected 0 or more")

    def __bool__(self) -> bool:
        return any((self.late.rate, self.gaps.rate, self.corrupt, self.skew.rate))


def parse(spec: str, option: str) -> Rated:
    """Reads `SHARE:DURATION`, e.g. 0.05:2h.

    Raises:
        SimulatorError: it is something else.
    """
    rate, colon, duration = spec.partition(":")
    try:
        if colon:
            return Rated(float(rate), parse_duration(duration))
    except ValueError:
        pass
    raise SimulatorError(f"{option} {spec}; expected a rate and a duration, such as 0.05:2h")


def heard(recording: Recording, gaps: Rated, seed: int) -> Recording:
    """The recording without the rows that fall into the device's silences."""
    return audible(recording, silences(recording.device_id, recording.timestamps, gaps, seed))


def silences(device_id: str, times: NDArray[np.int64], gaps: Rated, seed: int) -> NDArray[np.float64]:
    """(k, 2) unix seconds from which to before which a device is silent, within the range of all its `times`."""
    if not gaps.rate or not len(times):
        return np.empty((0, 2))
    rng = generator(seed, Stream.GAPS, _number(device_id))
    first, last = int(times[0]), int(times[-1])
    begins = rng.uniform(first, last + 1, size=rng.poisson(gaps.rate * (last + 1 - first) / DAY_S))
    return np.column_stack([begins, begins + rng.exponential(gaps.seconds, size=len(begins))])


def outside(times: NDArray[np.int64], silent: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) True where a moment falls into none of the silences."""
    kept = np.ones(len(times), dtype=np.bool_)
    for begin, end in silent:
        kept &= (times < begin) | (times >= end)
    return kept


def audible(recording: Recording, silent: NDArray[np.float64]) -> Recording:
    """The recording, or a piece of it, without the rows that fall into silences."""
    if not len(silent):
        return recording
    kept = outside(recording.timestamps, silent)
    labels = None if recording.labels is None else recording.labels[kept]
    return Recording(recording.device_id, recording.timestamps[kept], recording.values[kept], labels)


def clock_error(device_id: str, skew: Rated, seed: int) -> int:
    """Seconds by which the device's clock is ahead; negative: behind, 0: it is right."""
    rng = generator(seed, Stream.SKEW, _number(device_id))
    chosen, error = rng.random() < skew.rate, rng.uniform(-skew.seconds, skew.seconds)
    # away from zero: a chosen clock is wrong by a second at least
    return int(math.copysign(math.ceil(abs(error)), error)) if chosen else 0


def corrupted(messages: Iterable[Outgoing], share: float, seed: int) -> Iterator[Outgoing]:
    """Spoils a share of the messages that hold readings, so that none of these can be read."""
    rng = generator(seed, Stream.CORRUPTION)
    for message in messages:
        if message.rows and rng.random() < share:
            at = int(rng.integers(1, len(message.data)))
            yield message._replace(data=damaged(message.data, at, cut=rng.random() < 0.5), rows=0, kind="corrupt")
        else:
            yield message


def damaged(data: bytes, at: int, *, cut: bool) -> bytes:
    """JSON that is none any more: cut off before byte `at`, or with that byte replaced by one that UTF-8 lacks."""
    return data[:at] if cut else data[:at] + b"\xff" + data[at + 1 :]


def delayed(messages: Iterable[Outgoing], late: Rated, seed: int) -> Iterator[Outgoing]:
    """Holds a share of the messages back; each follows those that fell due during its delay."""
    rng = generator(seed, Stream.LATENESS)
    held: list[tuple[float, int, Outgoing]] = []
    for i, message in enumerate(messages):
        while held and held[0][0] <= message.last:
            yield heapq.heappop(held)[2]
        if rng.random() < late.rate:
            delay = late.seconds * (1.0 - rng.random())
            heapq.heappush(held, (message.last + delay, i, message._replace(delay=delay)))
        else:
            yield message
    while held:
        yield heapq.heappop(held)[2]


def _number(device_id: str) -> int:
    # a device's draws stay the same whichever devices come with it
    return zlib.crc32(device_id.encode())
