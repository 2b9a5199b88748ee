"""A fleet of electricity meters: what is consumed in each hour, and what the meters report of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from aiot_anomaly.datasets.fleet import Fleet, Truth, labels
from aiot_anomaly.datasets.recording import Recording
from simulator.clock import DAY_S, check_range, last_full_hour
from simulator.consumers import KINDS, Consumer
from simulator.errors import SimulatorError
from simulator.fraud import Fraud, device_name

HOUR_S = 3600
#: decimals of a reading: watt-hours
_DECIMALS = 3
#: a stuck meter's last reading is looked for in so many days
_LOOK_BACK_D = 7


class Source(Protocol):
    """Where consumption comes from: a drawn `Consumer`, or a `RecordedConsumer`."""

    @property
    def kind(self) -> str:
        """What kind of consumer it is."""

    def hours(self, days: range) -> NDArray[np.float64]:
        """(days, 24) kWh; NaN where it is not known."""

    def events(self, device_id: str, start: int, end: int) -> tuple[Truth, ...]:
        """What is out of the usual and yet normal."""


@dataclass(frozen=True, eq=False)
class Meter:
    """A consumer and the meter that stands before it.

    Attributes:
        device_id: the meter, e.g. "meter-0007".
        kind: of consumer: one of `simulator.consumers.KINDS`, or the column of a table.
        timestamps: (n,) unix seconds of the beginning of each hour.
        consumed: (n,) kWh that flowed; no fraud changes them. NaN where a table does not say.
        metered: (n,) kWh as the meter reports them; NaN where it sends nothing.
        truth: what happened, frauds and normal events.
    """

    device_id: str
    kind: str
    timestamps: NDArray[np.int64]
    consumed: NDArray[np.float64]
    metered: NDArray[np.float64]
    truth: tuple[Truth, ...]

    @property
    def recording(self) -> Recording:
        """What the meter sends, one value a reading (the profile `fraud`), labelled."""
        sent = ~np.isnan(self.metered)
        at = self.timestamps[sent]
        return Recording(self.device_id, at, self.metered[sent, None], labels(self.device_id, at, self.truth))


def simulate(
    meters: int | Iterable[int],
    start: int,
    end: int | None = None,
    *,
    frauds: Sequence[Fraud] = (),
    kinds: Sequence[str] = tuple(KINDS),
    holidays: str | None = None,
    base: Sequence[Source] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Iterator[Meter]:
    """Simulates a fleet, one meter after the other.

    A meter's readings depend on the seed, its number, the kinds and the date alone: another range of dates or more
    meters give the same values where they overlap. A fraud changes nothing before it starts or after it ends.

    Args:
        meters: how many (numbered from 1), or which numbers; number 7 is the device "meter-0007".
        start: unix seconds; the first reading is of the first full hour from here on.
        end: unix seconds; readings are of hours before it. Default: the last full hour before the present.
        frauds: which meter reports what, and when; at most one at a time in a meter.
        kinds: the kinds of consumers that are drawn from.
        holidays: the country whose public holidays drawn consumers keep, e.g. "BR"; None: none.
        base: consumers in place of the drawn ones: number 1 is the first.
        seed: of the fleet.
        progress: show a bar on stderr if that is a terminal.

    Returns:
        The meters in the order of the numbers; each is computed when it is taken.

    Raises:
        SimulatorError: an empty or future range, a number without a consumer, or a fraud outside the fleet or range;
            from the iterator: a kind or a country that there is not, or a meter that is stuck from the beginning.
    """
    end = last_full_hour() if end is None else end
    numbers = list(range(1, meters + 1)) if isinstance(meters, int) else list(meters)
    _check(numbers, start, end, frauds, None if base is None else len(base))

    def one(number: int) -> Meter:
        source = Consumer.of(seed, number, kinds, holidays=holidays) if base is None else base[number - 1]
        ours = [f for f in frauds if f.device_id == device_name(number)]
        return _meter(number, source, start, end, ours, seed)

    return map(one, tqdm(numbers, desc="simulating", unit="meter", disable=None if progress else True))


def fleet(meters: Iterable[Meter]) -> Fleet:
    """What the meters send, and what really happened to them."""
    meters = tuple(meters)
    return Fleet(tuple(m.recording for m in meters), tuple(t for m in meters for t in m.truth))


def _meter(number: int, source: Source, start: int, end: int, frauds: Sequence[Fraud], seed: int) -> Meter:
    device = device_name(number)
    days = range(start // DAY_S, -(-end // DAY_S))
    consumed = source.hours(days)
    metered = consumed.copy()
    for fraud in frauds:
        first, stop = max(fraud.days.start, days.start), min(fraud.days.stop, days.stop)
        rows = slice(first - days.start, stop - days.start)
        before = _last_before(source, fraud) if fraud.kind == "stuck" else np.nan
        metered[rows] = fraud.metered(consumed[rows], range(first, stop), before, seed=seed, number=number)
    times = np.arange(days.start * DAY_S, days.stop * DAY_S, HOUR_S, dtype=np.int64)
    inside = (times >= start) & (times < end)
    times, used, reported = times[inside], consumed.ravel()[inside], metered.ravel()[inside].round(_DECIMALS)
    truth = [f.truth(start, end, _lost(f, times, used, reported)) for f in frauds]
    return Meter(device, source.kind, times, used, reported, (*truth, *source.events(device, start, end)))


def _last_before(source: Source, fraud: Fraud) -> float:
    hours = source.hours(range(fraud.days.start - _LOOK_BACK_D, fraud.days.start)).ravel()
    known = np.flatnonzero(~np.isnan(hours))
    if not len(known):
        raise SimulatorError(
            f"{fraud.device_id} cannot be stuck from its first reading on; expected a start within {_LOOK_BACK_D} days "
            f"after a reading"
        )
    return float(hours[known[-1]])


def _lost(fraud: Fraud, times: NDArray[np.int64], used: NDArray[np.float64], reported: NDArray[np.float64]) -> float:
    """The share of the energy consumed during the fraud that is not metered; below 0 where more is."""
    during = (times >= fraud.start) & (times < fraud.end)
    total = float(np.nansum(used[during]))
    return round(1 - float(np.nansum(reported[during])) / total, 4) + 0.0 if total > 0 else 0.0


def _check(numbers: Sequence[int], start: int, end: int, frauds: Sequence[Fraud], consumers: int | None) -> None:
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise SimulatorError(f"meters {numbers}; expected one or more different numbers from 1 on")
    if consumers is not None and max(numbers) > consumers:
        raise SimulatorError(f"meter {max(numbers)} of a base of {consumers} consumers; expected a number up to that")
    check_range(start, end, HOUR_S)
    known = {device_name(n) for n in numbers}
    for k, fraud in enumerate(frauds):
        if fraud.device_id not in known:
            raise SimulatorError(f"a fraud in {fraud.device_id}, which is not simulated; expected one of the fleet's")
        if fraud.end <= start or fraud.start >= end:
            raise SimulatorError(f"a fraud in {fraud.device_id} lies outside the simulated range")
        for other in frauds[:k]:
            if other.device_id == fraud.device_id and other.start < fraud.end and fraud.start < other.end:
                raise SimulatorError(f"two frauds at a time in {fraud.device_id}; expected one after the other")
