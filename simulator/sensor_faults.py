"""Faults of a sensor: what it reports differs from what is there.

The five of the usual classification (Ni et al. 2009, Sensor network data fault types): quantisation, drift, a stuck
value, dropout and noise. Where a range begins matters to none of them: a fault's readings depend on its own start.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Truth
from simulator.clock import DAY_S, days_in_s, moment, parse_time
from simulator.errors import SimulatorError
from simulator.leak import device_name
from simulator.seeds import Stream, generator

Kind = Literal["quantisation", "drift", "stuck", "dropout", "noise"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: what somebody should look at; the others are what sensors are like, and must raise no alarm
ANOMALOUS = frozenset({"drift", "stuck"})
_SPEC = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)}):(?P<device>dma-\d+)/(?P<sensor>\w+)(=(?P<size>-?[\d.]+))?:(?P<start>.+):(?P<days>[\d.]+)"
    r"(,(?P<flag>normal|anomalous))?",
    re.ASCII | re.IGNORECASE,
)
_FORM = "quantisation|drift|stuck|dropout|noise:DEVICE/SENSOR[=SIZE]:START:DAYS[,normal|,anomalous]"


@dataclass(frozen=True)
class SensorFault:
    """A fault of one sensor.

    Attributes:
        kind: which.
        device_id: the district.
        sensor: its name, e.g. "pressure_2_m".
        size: in the sensor's unit: distance of two values (quantisation), change a day (drift), standard deviation
            that is added (noise); share of the readings that is lost (dropout); 0 (stuck).
        start: unix seconds.
        end: unix seconds; the reading at `end` is sound.
        anomalous: whether an alarm is right.
    """

    kind: Kind
    device_id: str
    sensor: str
    size: float
    start: int
    end: int
    anomalous: bool

    def __post_init__(self) -> None:
        fits = {"stuck": self.size == 0, "drift": self.size != 0, "dropout": 0 < self.size <= 1}
        if not fits.get(self.kind, self.size > 0) or self.start >= self.end:
            raise SimulatorError(
                f"{self.kind} of {self.size:g} from {moment(self.start)} to {moment(self.end)} in "
                f"{self.device_id}/{self.sensor}; "
                f"expected a size above 0 (drift: not 0; dropout: at most 1; stuck: none) and an end after the start"
            )

    def truth(self, start: int, end: int) -> Truth:
        """What is on record of it within a simulated range."""
        clipped = max(self.start, start), min(self.end, end)
        return Truth(self.device_id, self.kind, *clipped, self.size, self.anomalous, self.sensor)


def parse(spec: str, *, end: int) -> SensorFault:
    """Reads `KIND:DEVICE/SENSOR[=SIZE]:START:DAYS[,normal|,anomalous]`, e.g. `drift:dma-01/pressure_2_m=-0.5:-10d:10`.

    Drifting and stuck sensors are on record as anomalous unless it says otherwise, the others as normal.

    Raises:
        SimulatorError: it is not of that form.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SimulatorError(f"fault {spec!r}; expected {_FORM}, e.g. drift:dma-01/pressure_2_m=-0.5:-10d:10")
    try:
        size = float(match["size"] or 0)
    except ValueError:
        raise SimulatorError(f"fault {spec!r}: its size is not a number") from None
    kind = next(k for k in KINDS if k == match["kind"].lower())
    anomalous = kind in ANOMALOUS if match["flag"] is None else match["flag"].lower() == "anomalous"
    start = parse_time(match["start"], relative_to=end)
    end_ = start + days_in_s(match["days"], f"fault {spec!r}")
    return SensorFault(kind, match["device"].lower(), match["sensor"], size, start, end_, anomalous)


def random_faults(
    devices: Sequence[int], sensors: Sequence[str], start: int, end: int, *, each: int, seed: int
) -> list[SensorFault]:
    """`each` faults in every district: the kinds in turn, any sensor, from half a day to three days, sizes drawn.

    Raises:
        SimulatorError: the range is too short for them.
    """
    if each and end - start < 4 * DAY_S:
        raise SimulatorError(f"random faults need a range of 4 days or more; it has {(end - start) / DAY_S:g}")
    # for a flow in L/s and for pressures in metres alike: from barely seen to plain
    sizes = {"quantisation": (0.2, 1.0), "drift": (0.5, 2.0), "dropout": (0.05, 0.5), "noise": (0.2, 1.0)}
    faults = []
    for district in devices:
        rng = generator(seed, Stream.RANDOM_SENSOR_FAULTS, district)
        for i in range(each):
            kind = KINDS[i % len(KINDS)]
            sensor = sensors[int(rng.integers(len(sensors)))]
            lasts = int(rng.integers(DAY_S // 2, 3 * DAY_S))
            at = start + int(rng.integers(end - start - lasts + 1))
            size = round(float(rng.uniform(*sizes[kind])), 3) if kind in sizes else 0.0
            faults.append(
                SensorFault(kind, device_name(district), sensor, size, at, at + lasts, anomalous=kind in ANOMALOUS)
            )
    return faults


def distorted(
    fault: SensorFault, times: NDArray[np.int64], values: NDArray[np.float64], held: float, random: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) what a faulty sensor reports.

    Args:
        fault: the fault.
        times: (n,) unix seconds.
        values: (n,) what the sensor reports when it is sound.
        held: its reading at the fault's start, for a stuck one.
        random: (n,) standard normal, for noise; uniform on [0, 1), for dropout.
    """
    wrong: NDArray[np.float64]
    match fault.kind:
        case "quantisation":
            wrong = np.round(values / fault.size) * fault.size
        case "drift":
            wrong = values + fault.size * (times - fault.start) / DAY_S
        case "stuck":
            wrong = np.full(len(values), held)
        case "noise":
            wrong = values + fault.size * random
        case "dropout":
            wrong = np.where(random < fault.size, np.nan, values)
    return np.where((times >= fault.start) & (times < fault.end), wrong, values)


def noise(
    seed: int, district: int, fault: SensorFault, sensor: int, days: Sequence[int], steps: int
) -> NDArray[np.float64]:
    """(days * steps,) what `distorted` needs, from the fault's kind and start, the sensor and the date alone."""
    key = district, sensor, KINDS.index(fault.kind), fault.start
    drawn = [generator(seed, Stream.SENSOR_FAULTS, *key, day) for day in days]
    return np.concatenate([g.random(steps) if fault.kind == "dropout" else g.standard_normal(steps) for g in drawn])
