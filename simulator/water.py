"""A fleet of water districts: inflow and five pressures of each, with what was asked to happen to them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise

import numpy as np
from tqdm import tqdm

from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording
from simulator.clock import DAY_S, check_range, last_full_hour
from simulator.district_readings import SENSORS, Span, recording
from simulator.errors import SimulatorError
from simulator.events import Event
from simulator.feed import Feed
from simulator.happenings import Happenings
from simulator.happenings import days as day_numbers
from simulator.leak import Leak, device_name
from simulator.networks import DEFAULT, NETWORKS
from simulator.sensor_faults import SensorFault
from simulator.workers import in_order


def simulate(
    districts: int | Iterable[int],
    start: int,
    end: int | None = None,
    *,
    leaks: Sequence[Leak] = (),
    events: Sequence[Event] = (),
    faults: Sequence[SensorFault] = (),
    holidays: str | None = None,
    network: str = DEFAULT,
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
        events: heat waves and planned flushings.
        faults: of sensors.
        holidays: the country whose public holidays are kept, e.g. "BR"; None: none.
        network: one of `networks.NETWORKS`.
        seed: of the fleet.
        interval_s: distance of two readings, a divisor of a day.
        jobs: processes; default: one a processor. One or two districts in one piece, or `jobs=1`, run in this process.
        progress: show a bar on stderr if that is a terminal.

    Returns:
        Recordings by district's number, (n, 6) values in the order of the profile `leak`, labelled; what happened as
        truth.

    Raises:
        SimulatorError: an empty or future range, an interval that does not divide a day, an unknown network or
            country, or something that happens outside the fleet.
    """
    happenings = Happenings(leaks, events, faults, holidays)
    (fleet,) = stream(
        districts,
        start,
        end,
        happenings,
        network=network,
        seed=seed,
        interval_s=interval_s,
        jobs=jobs,
        progress=progress,
    )
    return fleet


def stream(
    districts: int | Iterable[int],
    start: int,
    end: int | None = None,
    happenings: Happenings | None = None,
    *,
    days: int | None = None,
    network: str = DEFAULT,
    seed: int = 0,
    interval_s: int = 900,
    jobs: int | None = None,
    progress: bool = False,
) -> Feed:
    """Simulates a fleet piece by piece in time, in memory that does not grow with the duration.

    The pieces, one after the other, are the very recordings of `simulate`. They are simulated when they are asked for;
    with several processes, one ahead of that.

    Args:
        districts: as of `simulate`, like all that is not listed here.
        start: unix seconds.
        end: unix seconds.
        happenings: what happens to the fleet.
        days: a piece's length; None: everything is one piece.
        network: one of `networks.NETWORKS`.
        seed: of the fleet.
        interval_s: distance of two readings.
        jobs: processes.
        progress: show a bar.

    Raises:
        SimulatorError: as `simulate`.
    """
    end = last_full_hour() if end is None else end
    happenings = happenings or Happenings()
    numbers = list(range(1, districts + 1)) if isinstance(districts, int) else list(districts)
    _check(numbers, start, end, interval_s, network, happenings)
    cuts = [start, *range((start // DAY_S + days) * DAY_S, end, days * DAY_S), end] if days else [start, end]
    devices = tuple(device_name(n) for n in numbers)
    truth = tuple(happenings.truth(devices, start, end))
    own = {n: happenings.of(device_name(n)) for n in numbers}
    tasks = [(Span(seed, a, b, interval_s, network), n, own[n]) for a, b in pairwise(cuts) for n in numbers]
    # a pool has its price: a process that has imported WNTR
    jobs = 1 if len(tasks) <= 2 else min(jobs or os.cpu_count() or 1, len(tasks))
    times = np.arange(-(-start // interval_s) * interval_s, end, interval_s, dtype=np.int64)
    return Feed(devices, (times,) * len(devices), truth, _pieces(tasks, len(numbers), truth, jobs, progress=progress))


def _pieces(
    tasks: Sequence[tuple[Span, int, Happenings]], districts: int, truth: Sequence[Truth], jobs: int, *, progress: bool
) -> Iterator[Fleet]:
    results = in_order(recording, tasks, jobs=jobs, ahead=max(2 * jobs, districts), preload=["simulator.epanet"])
    done: list[Recording] = []
    with (
        closing(results),
        tqdm(total=len(tasks), desc="simulating", unit="district", disable=None if progress else True) as bar,
    ):
        for one, (span, *_) in zip(results, tasks, strict=True):
            bar.update()
            done.append(one)
            if len(done) == districts:
                yield Fleet(tuple(done), tuple(t for t in truth if span.start <= t.start < span.end))
                done = []


def _check(numbers: Sequence[int], start: int, end: int, interval_s: int, network: str, happenings: Happenings) -> None:
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise SimulatorError(f"districts {numbers}; expected one or more different numbers from 1 on")
    if interval_s < 60 or DAY_S % interval_s:
        raise SimulatorError(f"interval of {interval_s} s; expected a divisor of a day from 60 s on, such as 900")
    check_range(start, end, interval_s)
    if network not in NETWORKS:
        raise SimulatorError(f"network {network!r}; expected one of {', '.join(NETWORKS)}")
    happenings.days_off(day_numbers(start, end))
    fleet = {device_name(n) for n in numbers}
    for name, things in (("leak", happenings.leaks), ("event", happenings.events), ("fault", happenings.faults)):
        for thing in things:
            if thing.device_id not in fleet:
                raise SimulatorError(
                    f"a {name} in {thing.device_id}, which is not simulated; districts: {sorted(fleet)}"
                )
            if thing.end <= start or thing.start >= end:
                raise SimulatorError(f"a {name} in {thing.device_id} lies outside the simulated range")
    for fault in happenings.faults:
        if fault.sensor not in SENSORS:
            raise SimulatorError(f"a fault of {fault.device_id}/{fault.sensor}; expected one of {', '.join(SENSORS)}")
