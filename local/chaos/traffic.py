"""What both runs are sent: a fleet's readings with gaps, disorder, duplicates and poison, all drawn from one seed.

An ordering key keeps the order in which a device's messages were *published*, and Pub/Sub keeps to it through failures
and redeliveries. So "out of order" means here what it means for a real device: that messages are published in another
order than that of their readings' times, as those of a device are which stored them, or came by another path. What is
delivered in the order of publishing is decided alike however often it is delivered, and a run with crashes can be held
against a run without them, reading by reading:

- what is displaced by less than the profile's allowed lateness fills its window,
- what is displaced by more comes when its window is closed, in both runs, and is counted as `late`.

Without ordering keys the second kind would be late in one run and early enough in another: then only the decisions on
windows that nothing came late for could be compared.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.bundle import Bundle
from aiot_anomaly.messages import attributes
from aiot_anomaly.profile import Profile
from local.chaos.poison import Poison, poison
from simulator.encoding import Encoder

#: 2026-02-02T00:00:00Z
START = 1_769_990_400
#: readings a message, at most
LARGEST_BATCH = 9
#: shares of the messages
DUPLICATES, POISON, DISORDER, LATE = 0.2, 0.01, 0.25, 0.01
#: short holes are filled, one long one a device breaks its windows
SHORT_GAPS = 3
#: at the end of each device, readings in order and without a gap: nothing waits for its window when all has come
CALM_END = 120
#: and at the beginning of every second device
CALM_BEGIN = 240


class Message(NamedTuple):
    """One message to be published.

    Attributes:
        device: its ordering key.
        data: its body.
        attributes: its attributes.
        rows: readings in it; 0 for poison.
    """

    device: str
    data: bytes
    attributes: dict[str, str]
    rows: int


@dataclass(frozen=True)
class Traffic:
    """All messages in the order in which they are published, and what is known of them.

    Attributes:
        messages: good ones, duplicates and poison.
        poison: what must be parked, by its body.
        devices: how many devices there are.
        readings: different readings of all devices.
        duplicates: messages that are sent a second time.
        displaced: messages that are published after one of the same device with later readings.
    """

    messages: tuple[Message, ...]
    poison: dict[bytes, list[Poison]]
    devices: int
    readings: int
    duplicates: int
    displaced: int

    @property
    def rows(self) -> int:
        """Published readings, duplicates included."""
        return sum(m.rows for m in self.messages)

    @property
    def spoilt(self) -> int:
        """Poison messages."""
        return sum(map(len, self.poison.values()))


def make(bundle: Bundle, *, devices: int, readings: int, seed: int) -> Traffic:
    """Traffic of a fleet that the bundle is for.

    Args:
        bundle: whose golden windows say what values are usual.
        devices: how many.
        readings: of all of them together, at least.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    profile = bundle.profile
    each = -(-readings // devices)
    queue: list[tuple[float, int, Message]] = []
    order = iter(range(10**9))
    total = duplicates = displaced = 0
    for device in range(devices):
        name = f"chaos-{device + 1:03}"
        times, values = _device(bundle, each, rng, steady=device % 2 == 1)
        total += len(times)
        newest = 0.0
        for due, late, message in _messages(profile, name, times, values, rng):
            heapq.heappush(queue, (due + late, next(order), message))
            displaced += late > 0
            newest = max(newest, due)
            if rng.random() < DUPLICATES:
                duplicates += 1
                # at once, as of a publisher that missed the confirmation, or later, as of a device that sends all anew
                again = due + late + rng.choice([0.0, rng.uniform(1, 60)])
                heapq.heappush(queue, (again, next(order), message))
    ordered = [heapq.heappop(queue)[2] for _ in range(len(queue))]
    spoilt: dict[bytes, list[Poison]] = {}
    for number, at in enumerate(sorted(rng.integers(1, len(ordered), size=round(POISON * len(ordered)) or 1).tolist())):
        device_id = ordered[at + number].device
        bad = poison(number, device_id, profile.name)
        spoilt.setdefault(bad.data, []).append(bad)
        ordered.insert(at + number, Message(device_id, bad.data, dict(bad.attributes), 0))
    return Traffic(tuple(ordered), spoilt, devices, total, duplicates, displaced)


def _device(
    bundle: Bundle, n: int, rng: np.random.Generator, *, steady: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n,) unix seconds and (n, S) values of one device, with holes, missing values and an anomaly.

    A steady one begins with `CALM_BEGIN` readings that are normal and without a gap, and so gets a calibration of its
    own. The others are anomalous on and off, all the time, to that of the fleet.
    """
    profile = bundle.profile
    # calm golden windows come first, the calmest before all
    windows = np.array(bundle.golden.values)[..., : len(profile.sensors)]
    usual = windows[: 1 if steady else len(windows) // 4].reshape(-1, len(profile.sensors))
    level, spread = usual.mean(axis=0), usual.std(axis=0)
    longest = profile.imputation.longest_gap
    calm = min(CALM_END, n // 3)
    holes = np.zeros(n, dtype=np.int64)
    first = min(CALM_BEGIN, n - calm - 1) if steady else calm // 2
    for at in rng.integers(first, n - calm, size=SHORT_GAPS):
        holes[at] += rng.integers(1, max(2, longest // 2))
    holes[rng.integers(first, n - calm)] += longest + rng.integers(1, 30)
    slots = np.arange(n) + np.cumsum(holes) + rng.integers(0, 1000)
    values = level + 0.5 * spread * rng.normal(size=(n, len(level)))
    begin = int(rng.integers(max(n // 3, first), max(2 * n // 3, first + 1)))
    values[begin : begin + n // 8, rng.integers(len(level))] += 6 * spread.max()
    values[rng.random(values.shape) < 0.005] = np.nan
    out = rng.random(n) < 0.003
    values[out, 0] = profile.sensors[0].valid_range[1] * 10
    return START + slots * profile.interval_s, np.round(values, 4)


def _messages(
    profile: Profile, device: str, times: NDArray[np.int64], values: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[tuple[float, float, Message]]:
    """When each message is due (grid intervals), by how much it is displaced, and the message."""
    encoder = Encoder(profile.sensor_names)
    allowed = profile.stream.allowed_lateness_s / profile.interval_s
    calm = len(times) - min(CALM_END, len(times) // 3)
    at = 0
    while at < len(times):
        end = min(len(times), at + int(rng.integers(1, LARGEST_BATCH + 1)))
        written = encoder.readings(times[at:end], values[at:end])
        # a message need not be sorted either
        shuffled = [written[i] for i in rng.permutation(len(written))]
        late = 0.0
        # the first reading says since when the device is known
        if at > 0 and end < calm:
            draw = rng.random()
            if draw < LATE:
                late = allowed * rng.uniform(1.5, 3) + LARGEST_BATCH
            elif draw < LATE + DISORDER:
                late = rng.uniform(0, max(0.0, allowed - 2 * LARGEST_BATCH))
        due = float((times[end - 1] - START) / profile.interval_s)
        message = Message(device, encoder.message(device, shuffled), dict(attributes(profile.name)), end - at)
        yield due, late, message
        at = end
