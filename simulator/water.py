"""A fleet of water districts: inflow and five pressures of each, with the leaks that were asked for."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from aiot_anomaly.datasets.fleet import Fleet, labels
from aiot_anomaly.datasets.recording import Recording
from simulator.clock import DAY_S, last_full_hour
from simulator.demand import Demand
from simulator.district import PRESSURES, District, Outflow
from simulator.errors import SimulatorError
from simulator.leak import Leak, device_name, drawn_junction
from simulator.seeds import Stream, generator

#: standard deviations of the sensors' errors: share of the inflow, metres of pressure
INFLOW_NOISE, PRESSURE_NOISE_M = 0.005, 0.05


@dataclass(frozen=True)
class _Range:
    seed: int
    start: int
    end: int
    interval_s: int


def simulate(
    districts: int | Iterable[int],
    start: int,
    end: int | None = None,
    *,
    leaks: Sequence[Leak] = (),
    seed: int = 0,
    interval_s: int = 900,
    jobs: int | None = None,
    progress: bool = False,
) -> Fleet:
    """Simulates a fleet.

    A district's readings depend on the seed, its number, the interval and the date alone: another range of dates,
    more districts or more processes give the same values where they overlap. Leaks change nothing before they start.

    Args:
        districts: how many (numbered from 1), or which numbers; number 7 is the device "dma-07".
        start: unix seconds; the first reading is at the first multiple of the interval from here on.
        end: unix seconds; readings are before it. Default: the last full hour before the present.
        leaks: what is lost, where and when.
        seed: of the fleet.
        interval_s: distance of two readings, a divisor of a day.
        jobs: processes; default: one a processor. One or two districts, or `jobs=1`, run in this process.
        progress: show a bar on stderr if that is a terminal.

    Returns:
        Recordings by district's number, (n, 6) values in the order of the profile `leak`, labelled; the leaks as truth.

    Raises:
        SimulatorError: an empty or future range, an interval that does not divide a day, or a leak outside the fleet.
    """
    end = last_full_hour() if end is None else end
    numbers = list(range(1, districts + 1)) if isinstance(districts, int) else list(districts)
    _check(numbers, start, end, interval_s, leaks)
    ours = [[k for k in leaks if k.device_id == device_name(n)] for n in numbers]
    run = partial(_district, _Range(seed, start, end, interval_s))
    jobs = min(jobs or os.cpu_count() or 1, len(numbers))
    bar = partial(tqdm, desc="simulating", unit="district", total=len(numbers), disable=None if progress else True)
    if jobs == 1 or len(numbers) <= 2:
        recordings = list(bar(map(run, numbers, ours)))
    else:
        # spawned, not forked: the caller may run threads (gRPC, TensorFlow) that do not survive a fork
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            recordings = list(bar(pool.map(run, numbers, ours)))
    return Fleet(tuple(recordings), tuple(k.truth(start, end) for k in leaks))


def _district(span: _Range, district: int, leaks: Sequence[Leak]) -> Recording:
    network = District.of(span.seed, district)
    demand = Demand.of(span.seed, district, span.interval_s)
    days = range(span.start // DAY_S, -(-span.end // DAY_S))
    times = np.arange(days.start * DAY_S, days.stop * DAY_S, span.interval_s, dtype=np.int64)
    bursts = [
        Outflow(
            drawn_junction(leak, network.junctions, network.leaky, seed=span.seed, district=district),
            leak.size * network.mean_inflow,
            ((times >= leak.start) & (times < leak.end)).astype(np.float64),
        )
        for leak in leaks
    ]
    truly = network.run(np.concatenate([demand.day(d) for d in days], axis=1), span.interval_s, bursts)
    measured = truly + np.concatenate(list(_errors(span, district, days))) * np.column_stack(
        [INFLOW_NOISE * truly[:, 0], *[np.full(len(truly), PRESSURE_NOISE_M)] * PRESSURES]
    )
    inside = (times >= span.start) & (times < span.end)
    device, kept = device_name(district), times[inside]
    marks = labels(device, kept, [k.truth(span.start, span.end) for k in leaks])
    return Recording(device, kept, np.round(np.maximum(measured[inside], 0.0), 2), marks)


def _errors(span: _Range, district: int, days: range) -> Iterator[NDArray[np.float64]]:
    for day in days:
        rng = generator(span.seed, Stream.SENSORS, district, day)
        yield rng.standard_normal((DAY_S // span.interval_s, 1 + PRESSURES))


def _check(numbers: Sequence[int], start: int, end: int, interval_s: int, leaks: Sequence[Leak]) -> None:
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise SimulatorError(f"districts {numbers}; expected one or more different numbers from 1 on")
    if interval_s < 60 or DAY_S % interval_s:
        raise SimulatorError(f"interval of {interval_s} s; expected a divisor of a day from 60 s on, such as 900")
    if not 10 * DAY_S <= start < end:
        raise SimulatorError(f"range from {start} to {end} (unix seconds); expected an end after the start")
    if end > time.time():
        raise SimulatorError(f"the range ends at {end} (unix seconds), in the future; devices report the past only")
    fleet = {device_name(n) for n in numbers}
    for leak in leaks:
        if leak.device_id not in fleet:
            raise SimulatorError(f"a leak in {leak.device_id}, which is not simulated; districts: {sorted(fleet)}")
        if leak.end <= start or leak.start >= end:
            raise SimulatorError(f"a leak in {leak.device_id} lies outside the simulated range")
