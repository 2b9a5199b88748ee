"""What was measured, and what it is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Rate:
    """How fast a function works through what waits for it.

    Attributes:
        messages_per_s: the rounds' median.
        readings: in each message.
        rounds: messages a second of each round.
        cpu_ms: CPU milliseconds of the function's process a message, the rounds' median.
    """

    messages_per_s: float
    readings: int
    rounds: Sequence[float]
    cpu_ms: float

    @property
    def readings_per_s(self) -> float:
        """Readings a second."""
        return self.messages_per_s * self.readings


@dataclass(frozen=True)
class Latency:
    """From the moment at which a message is due to the publishing of its decision, at a constant rate.

    Attributes:
        rate: messages a second.
        p50_ms: half of the messages took no longer.
        p95_ms: 95 %.
        p99_ms: 99 %.
        behind_ms: the most by which the benchmark itself was late in publishing one.
    """

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    behind_ms: float


@dataclass(frozen=True)
class Step:
    """What a step of the function takes of a message, on average, at the rate of `Latency`.

    Attributes:
        name: of the step.
        wall_ms: waiting included.
        cpu_ms: of its thread.
    """

    name: str
    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Size:
    """What the function reaches with so many devices stored; the latency at the same rate for all."""

    devices: int
    rate: Rate
    latency: Latency
    steps: Sequence[Step]


@dataclass(frozen=True)
class Goal:
    """A figure and its bound."""

    name: str
    found: float
    bound: float
    least: bool

    @property
    def met(self) -> bool:
        """The bound is kept."""
        return self.found >= self.bound if self.least else self.found <= self.bound


@dataclass(frozen=True)
class Results:
    """All figures, by contender.

    Attributes:
        single: rates with one reading a message.
        fifty: rates with 50.
        latencies: at 60 % of `single`.
        steps: of the function, at that rate, by store.
        grown: with more and more devices stored.
    """

    single: Mapping[str, Rate]
    fifty: Mapping[str, Rate]
    latencies: Mapping[str, Latency]
    steps: Mapping[str, Sequence[Step]]
    grown: Sequence[Size]

    def ratio(self, name: str, peer: str) -> float:
        """Of the rates in the same round, their median."""
        pairs = sorted(a / b for a, b in zip(self.single[name].rounds, self.single[peer].rounds, strict=True))
        return pairs[len(pairs) // 2]

    def document(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)
