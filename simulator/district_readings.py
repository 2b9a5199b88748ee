"""What the sensors of one district report: demand, hydraulics, the sensors' errors and their faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import labels
from aiot_anomaly.datasets.recording import Recording
from simulator.clock import DAY_S
from simulator.demand import Demand
from simulator.district import PRESSURES, District, Outflow
from simulator.events import excess, hydrant
from simulator.happenings import Happenings
from simulator.happenings import days as day_numbers
from simulator.leak import device_name, drawn_junction
from simulator.seeds import Stream, generator
from simulator.sensor_faults import SensorFault, distorted, noise

#: the sensors of a district, in the order of the profile `leak`
SENSORS = ("inflow_lps", *(f"pressure_{i}_m" for i in range(1, PRESSURES + 1)))
#: standard deviations of the sensors' errors: share of the inflow, metres of pressure
INFLOW_NOISE, PRESSURE_NOISE_M = 0.005, 0.05


@dataclass(frozen=True)
class Span:
    """Which readings: from `start` to before `end` (unix seconds), every `interval_s` seconds.

    Attributes:
        seed: of the fleet.
        start: unix seconds.
        end: unix seconds.
        interval_s: distance of two readings, a divisor of a day.
        network: one of `networks.NETWORKS`.
    """

    seed: int
    start: int
    end: int
    interval_s: int
    network: str

    def reading_at(self, moment: int) -> Span:
        """The span of the one reading at a moment, or of the first after it."""
        first = -(-moment // self.interval_s) * self.interval_s
        return replace(self, start=first, end=first + 1)


def recording(span: Span, district: int, happenings: Happenings) -> Recording:
    """Simulates one district: (n, 6) values in the order of `SENSORS`, labelled.

    Args:
        span: which readings.
        district: its number.
        happenings: those of this district.
    """
    network = District.of(span.seed, district, span.network)
    demand = Demand.of(span.seed, district, span.interval_s)
    days = day_numbers(span.start, span.end)
    times = np.arange(days.start * DAY_S, days.stop * DAY_S, span.interval_s, dtype=np.int64)
    drawn = demand.days(days, holidays=happenings.days_off(days), excess=excess(happenings.events, times))
    truly = network.run(drawn, span.interval_s, _outflows(span, district, network, happenings, times))
    measured = truly + np.concatenate(list(_errors(span, district, days))) * np.column_stack(
        [INFLOW_NOISE * truly[:, 0], *[np.full(len(truly), PRESSURE_NOISE_M)] * PRESSURES]
    )
    for fault in happenings.faults:
        if fault.start < span.end and fault.end > span.start:
            measured = _with_fault(fault, measured, times, span, district, happenings)
    inside = (times >= span.start) & (times < span.end)
    device, kept = device_name(district), times[inside]
    marks = labels(device, kept, happenings.truth([device], span.start, span.end))
    return Recording(device, kept, np.round(np.maximum(measured[inside], 0.0), 2), marks)


def _outflows(
    span: Span, district: int, network: District, happenings: Happenings, times: NDArray[np.int64]
) -> list[Outflow]:
    mean, names = network.mean_inflow, network.junctions
    # the junctions of all of them, so that the first piece already tells of one that the district does not have
    broken = [(k, drawn_junction(k, names, network.leaky, seed=span.seed, district=district)) for k in happenings.leaks]
    flushings = [e for e in happenings.events if e.kind == "flushing"]
    opened = [(e, hydrant(e, names, seed=span.seed, district=district)) for e in flushings]
    leaks = [
        Outflow(junction, leak.size * mean, leak.opening(times), leak.orifice)
        for leak, junction in broken
        if leak.start < times[-1] + span.interval_s and leak.end > times[0]
    ]
    hydrants = [
        Outflow(junction, event.size * mean, event.strength(times))
        for event, junction in opened
        if event.start < times[-1] + span.interval_s and event.end > times[0]
    ]
    return leaks + hydrants


def _with_fault(
    fault: SensorFault,
    measured: NDArray[np.float64],
    times: NDArray[np.int64],
    span: Span,
    district: int,
    happenings: Happenings,
) -> NDArray[np.float64]:
    sensor, days = SENSORS.index(fault.sensor), day_numbers(span.start, span.end)
    held = 0.0
    if fault.kind == "stuck":
        # what it reported when it stuck, which may have been long before this range
        others = replace(happenings, faults=[f for f in happenings.faults if f.start < fault.start])
        held = float(recording(span.reading_at(fault.start), district, others).values[0, sensor])
    random = noise(span.seed, district, fault, sensor, days, DAY_S // span.interval_s)
    result = measured.copy()
    result[:, sensor] = distorted(fault, times, measured[:, sensor], held, random)
    return result


def _errors(span: Span, district: int, days: range) -> Iterator[NDArray[np.float64]]:
    for day in days:
        rng = generator(span.seed, Stream.SENSORS, district, day)
        yield rng.standard_normal((DAY_S // span.interval_s, 1 + PRESSURES))
