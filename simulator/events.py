"""Harmless events: what changes a district's readings and must not be taken for a leak.

A heat wave raises what people draw for days (garden watering, showers); a planned flushing opens a hydrant for some
hours; on a public holiday people live as on a weekend. All of them are on record as normal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Truth
from simulator.clock import DAY_S, days_in_s, moment, parse_time
from simulator.errors import SimulatorError
from simulator.leak import device_name
from simulator.seeds import Stream, generator

Kind = Literal["heat-wave", "flushing"]
#: a heat wave comes and goes within half a day
_RAMP_S = DAY_S // 2
_SPEC = re.compile(
    rf"(?P<kind>{'|'.join(get_args(Kind))}):(?P<device>dma-\d+|all)(@(?P<node>[^:]+))?:(?P<size>[\d.]+)%:"
    r"(?P<start>.+):(?P<days>[\d.]+)",
    re.ASCII | re.IGNORECASE,
)
_FORM = "heat-wave|flushing:DEVICE|all[@JUNCTION]:SIZE%:START:DAYS"


@dataclass(frozen=True)
class Event:
    """Something harmless.

    Attributes:
        kind: of the two.
        device_id: the district.
        size: heat wave: how much more is drawn, as a share; flushing: share of the district's mean inflow.
        start: unix seconds.
        end: unix seconds; the reading at `end` is as usual.
        node: the junction of the flushing's hydrant; None: drawn from the seed.
    """

    kind: Kind
    device_id: str
    size: float
    start: int
    end: int
    node: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.size <= 2 or self.start >= self.end:
            raise SimulatorError(
                f"{self.kind} of {self.size:.1%} from {moment(self.start)} to {moment(self.end)} in {self.device_id}; "
                f"expected more than 0 and at most 200 %, and an end after the start"
            )

    def strength(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) share of its full effect at each moment."""
        running = (times >= self.start) & (times < self.end)
        if self.kind == "flushing":
            return running.astype(np.float64)
        ramp = max(min(_RAMP_S, (self.end - self.start) // 2), 1)
        return np.where(running, np.clip(np.minimum(times - self.start, self.end - times) / ramp, 0, 1), 0.0)

    def truth(self, start: int, end: int) -> Truth:
        """What is on record of it within a simulated range."""
        kind = {"heat-wave": "heat wave", "flushing": "planned flushing"}[self.kind]
        return Truth(self.device_id, kind, max(self.start, start), min(self.end, end), self.size, anomalous=False)


def parse(spec: str, devices: Sequence[int], *, end: int) -> list[Event]:
    """Reads `KIND:DEVICE[@JUNCTION]:SIZE%:START:DAYS`, e.g. `heat-wave:all:20%:-10d:5`; `all` is one for each device.

    Args:
        spec: the text; START is ISO 8601 (UTC where it names no zone) or relative to `end`.
        devices: the districts that `all` means.
        end: unix seconds of the simulation's end.

    Raises:
        SimulatorError: it is not of that form.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SimulatorError(f"event {spec!r}; expected {_FORM}, e.g. heat-wave:all:20%:-10d:5")
    try:
        size = float(match["size"]) / 100
    except ValueError:
        raise SimulatorError(f"event {spec!r}: its size is not a number") from None
    start, device = parse_time(match["start"], relative_to=end), match["device"].lower()
    kind: Kind = "heat-wave" if match["kind"].lower() == "heat-wave" else "flushing"
    event = Event(kind, device, size, start, start + days_in_s(match["days"], f"event {spec!r}"), match["node"])
    return [replace(event, device_id=device_name(n)) for n in devices] if device == "all" else [event]


def random_events(devices: Sequence[int], start: int, end: int, *, each: int, seed: int) -> list[Event]:
    """`each` events in every district, anywhere in the range: heat waves and flushings in turn.

    A heat wave raises demand by 10 to 30 % for three to seven days, the same in no two districts; a flushing takes
    20 to 50 % of the mean inflow for one to three hours between 22 and 5 o'clock, when utilities flush.

    Raises:
        SimulatorError: the range is too short for a heat wave.
    """
    if each and end - start < 8 * DAY_S:
        raise SimulatorError(f"random events need a range of 8 days or more; it has {(end - start) / DAY_S:g}")
    events = []
    for district in devices:
        rng, device = generator(seed, Stream.RANDOM_EVENTS, district), device_name(district)
        for i in range(each):
            if i % 2:
                night = int(rng.integers(start // DAY_S + 1, end // DAY_S)) * DAY_S
                at = night - 2 * 3600 + int(rng.integers(4 * 3600))
                lasts = int(rng.integers(3600, 3 * 3600))
                events.append(Event("flushing", device, round(float(rng.uniform(0.2, 0.5)), 3), at, at + lasts))
            else:
                lasts = int(rng.integers(3, 8)) * DAY_S
                at = start + int(rng.integers(end - start - lasts + 1))
                events.append(Event("heat-wave", device, round(float(rng.uniform(0.1, 0.3)), 3), at, at + lasts))
    return events


def excess(events: Sequence[Event], times: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """(n,) what the heat waves add to what is drawn, as a share; None where there is none."""
    waves = [e.size * e.strength(times) for e in events if e.kind == "heat-wave"]
    return np.sum(waves, axis=0) if waves else None


def hydrant(event: Event, junctions: Sequence[str], *, seed: int, district: int) -> str:
    """The junction of a flushing: its own, or one drawn from seed, district and start alone.

    Raises:
        SimulatorError: the district has no such junction.
    """
    if event.node is None:
        return junctions[int(generator(seed, Stream.HYDRANT, district, event.start).integers(len(junctions)))]
    if event.node not in junctions:
        raise SimulatorError(f"{event.device_id} has no junction {event.node!r}; it has {', '.join(junctions)}")
    return event.node
