"""What `reports/stream.json` says."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel, ConfigDict

BARE, SKELETON, SQLITE, FIRESTORE = "bare", "skeleton", "function, SQLite", "function, Firestore"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(_Document):
    """How fast a function works through what waits for it.

    Attributes:
        messages_per_s: the rounds' median.
        readings: in each message.
        rounds: messages a second of each round.
        cpu_ms: CPU milliseconds of the function's process a message, the rounds' median.
        refused: deliveries that had to be made again, of all rounds.
    """

    messages_per_s: float
    readings: int
    rounds: list[float]
    cpu_ms: float
    refused: int

    @property
    def readings_per_s(self) -> float:
        """Readings a second."""
        return self.messages_per_s * self.readings


class Latency(_Document):
    """From the moment at which a message is due to the publishing of its decision, at a constant rate.

    Attributes:
        rate: messages a second.
        p50_ms: half of the messages took no longer.
        p95_ms: 95 %.
        p99_ms: 99 %.
        behind_ms: the most by which the benchmark itself was late in publishing one.
        p50_rounds_ms: of each round.
    """

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    behind_ms: float
    p50_rounds_ms: list[float]


class Step(_Document):
    """What a step of the function takes of a message, on average, at the rate of `Latency`.

    Attributes:
        name: of the step; `rest` is what lies between the others.
        wall_ms: waiting included.
        cpu_ms: of its thread.
    """

    name: str
    wall_ms: float
    cpu_ms: float


class Size(_Document):
    """What the function reaches with so many devices stored; the latency at the same rate for all."""

    devices: int
    rate: Rate
    latency: Latency
    steps: list[Step]


class Machine(_Document):
    """What it was measured on, and when.

    Attributes:
        load: average number of running processes of the minute before: of what else the machine does.
    """

    processor: str
    cores: int
    load: float
    pubsub: str
    measured_at: str
    commit: str


class Results(_Document):
    """All figures, by contender.

    Attributes:
        machine: where.
        single: rates with one reading a message.
        fifty: rates with 50.
        latencies: at 60 % of `single`.
        steps: of the function, at that rate, by store.
        grown: with more and more devices stored.
    """

    machine: Machine
    single: dict[str, Rate]
    fifty: dict[str, Rate]
    latencies: dict[str, Latency]
    steps: dict[str, list[Step]]
    grown: list[Size]

    def ratio(self, name: str, peer: str) -> float:
        """Of both rates in the same round; the rounds' median."""
        return between(self.single[name].rounds, self.single[peer].rounds)


def between(ones: Sequence[float], others: Sequence[float]) -> float:
    """The ratio of what was measured in the same round; the rounds' median."""
    return median(a / b for a, b in zip(ones, others, strict=True))
