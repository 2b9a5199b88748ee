"""Leaks: which district loses how much water, from when to when.

A burst runs at its full rate from the start. An incipient leak follows the profile of LeakDB (Vrachimis et al. 2018):
the diameter of its hole grows linearly until it is full, so its area, and with it the flow, grows with the square of
the time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Truth
from simulator.clock import DAY_S, days_in_s, moment, parse_time
from simulator.errors import SimulatorError
from simulator.seeds import Stream, generator

_SPEC = re.compile(
    r"(?P<device>dma-\d+)(@(?P<node>[^:]+))?:(?P<size>[\d.]+)%:(?P<start>.+):(?P<days>[\d.]+)"
    r"(,grows=(?P<grows>[\d.]+))?(?P<orifice>,orifice)?",
    re.ASCII | re.IGNORECASE,
)
_FORM = "DEVICE[@JUNCTION]:SIZE%:START:DAYS[,grows=DAYS][,orifice]"


@dataclass(frozen=True)
class Leak:
    """A leak that runs from its start until it is mended.

    Attributes:
        device_id: the district.
        size: share of the district's mean inflow when it is full, e.g. 0.05.
        start: unix seconds.
        end: unix seconds; the reading at `end` is without the leak.
        node: the junction where the pipe broke; None: drawn from the seed.
        growth_s: seconds until it is full; 0: a burst.
        orifice: the flow follows the pressure, q = C p^0.5, with its full size at nominal pressure; False: constant.
    """

    device_id: str
    size: float
    start: int
    end: int
    node: str | None = None
    growth_s: int = 0
    orifice: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.size <= 1 or self.start >= self.end:
            raise SimulatorError(
                f"leak of {self.size:.1%} from {moment(self.start)} to {moment(self.end)} in {self.device_id}; "
                f"expected more than 0 and at most 100 % of the mean inflow, and an end after the start"
            )
        if not 0 <= self.growth_s <= self.end - self.start:
            raise SimulatorError(
                f"leak in {self.device_id} grows for {self.growth_s / DAY_S:g} of its "
                f"{(self.end - self.start) / DAY_S:g} days; expected from 0 to as many as it lasts"
            )

    def opening(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) share of its full rate at each moment, 0 before the start and from the end on."""
        running = (times >= self.start) & (times < self.end)
        if not self.growth_s:
            return running.astype(np.float64)
        return np.where(running, np.clip((times - self.start) / self.growth_s, 0, 1) ** 2, 0.0)

    def truth(self, start: int, end: int) -> Truth:
        """What is on record of it within a simulated range."""
        kind = "incipient leak" if self.growth_s else "leak"
        return Truth(self.device_id, kind, max(self.start, start), min(self.end, end), self.size)


def parse(spec: str, *, end: int) -> Leak:
    """Reads `DEVICE[@JUNCTION]:SIZE%:START:DAYS[,grows=DAYS][,orifice]`, e.g. `dma-01:8%:-5d:5,grows=3`.

    Args:
        spec: the text; START is ISO 8601 (UTC where it names no zone) or relative to `end`.
        end: unix seconds of the simulation's end.

    Raises:
        SimulatorError: it is not of that form.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SimulatorError(f"leak {spec!r}; expected {_FORM}, e.g. dma-01:8%:-5d:5")
    try:
        size = float(match["size"]) / 100
    except ValueError:
        raise SimulatorError(f"leak {spec!r}: its size is not a number") from None
    start = parse_time(match["start"], relative_to=end)
    return Leak(
        match["device"].lower(),
        size,
        start,
        start + days_in_s(match["days"], f"leak {spec!r}"),
        match["node"],
        days_in_s(match["grows"] or "0", f"leak {spec!r}"),
        match["orifice"] is not None,
    )


def random_leaks(
    devices: Sequence[int],
    start: int,
    end: int,
    *,
    each: int,
    sizes: Sequence[float],
    days: float,
    seed: int,
    quiet_days: float = 0.0,
    growth_days: float = 0.0,
    orifice: bool = False,
) -> list[Leak]:
    """`each` leaks in every district, each in a period of its own, for a labelled test set.

    What follows the quiet days is cut into `each` equal periods. In each a leak starts at a random time within the
    first half of what the period leaves it, so that normal days follow every leak; the sizes take turns in a random
    order.

    Raises:
        SimulatorError: the range is too short for that.
    """
    first = start + round(quiet_days * DAY_S)
    period, length = (end - first) // max(each, 1), round(days * DAY_S)
    if each and period < 2 * length:
        raise SimulatorError(
            f"{each} leaks of {days:g} days after {quiet_days:g} quiet days need {quiet_days + 2 * each * days:g}, "
            f"so that as long a normal time follows each; the range has {(end - start) / DAY_S:g}"
        )
    leaks = []
    for district in devices:
        rng = generator(seed, Stream.RANDOM_LEAKS, district)
        turns = [sizes[i % len(sizes)] for i in range(each)]
        rng.shuffle(turns)
        for i, size in enumerate(turns):
            at = first + i * period + int(rng.integers(0, (period - length) // 2 + 1))
            full = round(growth_days * DAY_S)
            leaks.append(Leak(device_name(district), float(size), at, at + length, None, full, orifice))
    return leaks


def device_name(district: int) -> str:
    """The device of a district: 7 is "dma-07"."""
    return f"dma-{district:02d}"


def drawn_junction(leak: Leak, junctions: Sequence[str], leaky: Sequence[str], *, seed: int, district: int) -> str:
    """The junction where the leak is: its own, or one of the leaky, from seed, district and start alone.

    Raises:
        SimulatorError: the district has no such junction.
    """
    if leak.node is None:
        rng = generator(seed, Stream.LEAK_NODE, district, leak.start)
        return leaky[int(rng.integers(len(leaky)))]
    if leak.node not in junctions:
        raise SimulatorError(f"{leak.device_id} has no junction {leak.node!r}; it has {', '.join(junctions)}")
    return leak.node
