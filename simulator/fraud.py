"""Fraud and broken meters: what a meter reports instead of what is consumed.

h1 to h6 are the attacks of Jokar, Arianpoo and Leung, "Electricity Theft Detection in AMI Using Customers' Consumption
Patterns", IEEE Transactions on Smart Grid 7 (1), 2016, on the hours x_1 ... x_24 of a day:

    h1(x_t) = a x_t          a ~ U(0.1, 0.8), one number for the whole fraud
    h2(x_t) = b_t x_t        b_t = 0 in one block of the day, else 1; it begins from 0 to 19 h and lasts 4 to 24 h
    h3(x_t) = g_t x_t        g_t ~ U(0.1, 0.8), a number for each hour
    h4(x_t) = g_t mean(x)    g_t ~ U(0.1, 0.8), a number for each hour
    h5(x_t) = mean(x)        all the energy, none of the peaks
    h6(x_t) = x_(24-t)       the day from its end: all the energy, at another hour's price

(where the paper counts from 1, `h6` takes the last hour for the first). Besides them

    bypass                   a share of the load, U(0.2, 0.95), runs around the meter from a day on
    stuck                    the meter repeats its last reading
    dead                     it reads zero
    silent                   it sends nothing

A day is a calendar day in UTC, and a fraud runs over whole days.
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

Float = NDArray[np.float64]

#: what a thief does; the others are faults of the meter
ATTACKS = ("h1", "h2", "h3", "h4", "h5", "h6")
THEFTS = (*ATTACKS, "bypass")
TYPES = (*THEFTS, "stuck", "dead", "silent")

SHARES = (0.1, 0.8)
AROUND = (0.2, 0.95)
LEAST_OFF_H = 4
_SPEC = re.compile(
    r"(?P<device>meter-\d+):(?P<type>\w+)"
    r":(?P<start>now|[+-]?[\d.]+[mhd]|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?)(:(?P<days>\d+))?",
    re.ASCII | re.IGNORECASE,
)


def h1(consumed: Float, share: float) -> Float:
    """A constant share of (days, 24) consumption."""
    return np.asarray(share * consumed)


def h2(consumed: Float, first: NDArray[np.int64], length: NDArray[np.int64]) -> Float:
    """Zero from hour `first` (days) on for `length` (days) hours, at most until midnight."""
    hour = np.arange(consumed.shape[1])
    off = (hour >= first[:, None]) & (hour < (first + length)[:, None])
    return np.where(off, 0.0, consumed)


def h3(consumed: Float, shares: Float) -> Float:
    """A share of its own, (days, 24), for each hour."""
    return np.asarray(shares * consumed)


def h4(consumed: Float, shares: Float) -> Float:
    """A share of its own, (days, 24), of the day's mean for each hour."""
    return shares * h5(consumed)


def h5(consumed: Float) -> Float:
    """The day's mean in each hour, over the hours that are known."""
    known = ~np.isnan(consumed)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, consumed, 0.0).sum(axis=1, keepdims=True) / count
    return np.where(known.any(axis=1, keepdims=True), np.broadcast_to(mean, consumed.shape), np.nan)


def h6(consumed: Float) -> Float:
    """The day from its last hour to its first."""
    return consumed[:, ::-1].copy()


def bypass(consumed: Float, around: float) -> Float:
    """What is left when a share of the load runs around the meter."""
    return np.asarray((1 - around) * consumed)


def falsified(kind: str, consumed: Float, rng: np.random.Generator) -> Float:
    """What a meter reports of some days during one attack of Jokar et al.

    Args:
        kind: one of `ATTACKS`.
        consumed: (days, 24) kWh; NaN where it is not known.
        rng: where shares, hours and lengths are drawn from, in the ranges of the paper.

    Returns:
        (days, 24) kWh; NaN where nothing is known.

    Raises:
        SimulatorError: another kind.
    """
    days, hours = consumed.shape
    match kind:
        case "h1":
            reported = h1(consumed, rng.uniform(*SHARES))
        case "h2":
            first = rng.integers(0, hours - LEAST_OFF_H, size=(days,))
            reported = h2(consumed, first, rng.integers(LEAST_OFF_H, hours, size=(days,), endpoint=True))
        case "h3":
            reported = h3(consumed, rng.uniform(*SHARES, size=consumed.shape))
        case "h4":
            reported = h4(consumed, rng.uniform(*SHARES, size=consumed.shape))
        case "h5":
            reported = h5(consumed)
        case "h6":
            reported = h6(consumed)
        case _:
            raise SimulatorError(f"attack {kind!r}; expected one of {', '.join(ATTACKS)}")
    return np.where(np.isnan(consumed), np.nan, reported)


@dataclass(frozen=True)
class Fraud:
    """A fraud, or a fault of the meter, over whole days.

    Attributes:
        device_id: the meter.
        kind: one of `TYPES`.
        start: unix seconds, midnight in UTC.
        end: unix seconds, midnight in UTC; from then on the meter is honest again.
    """

    device_id: str
    kind: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.kind not in TYPES:
            raise SimulatorError(f"fraud {self.kind!r} of {self.device_id}; expected one of {', '.join(TYPES)}")
        if self.start >= self.end or self.start % DAY_S or self.end % DAY_S:
            raise SimulatorError(
                f"fraud of {self.device_id} from {moment(self.start)} to {moment(self.end)}; expected whole days in UTC"
            )

    @property
    def days(self) -> range:
        """The days that it lasts, counted from 1970-01-01."""
        return range(self.start // DAY_S, self.end // DAY_S)

    def truth(self, start: int, end: int, size: float) -> Truth:
        """What is on record of it within a simulated range."""
        return Truth(self.device_id, self.kind, max(self.start, start), min(self.end, end), size)

    def metered(self, consumed: Float, days: range, before: float, *, seed: int, number: int) -> Float:
        """What the meter reports.

        Args:
            consumed: (days, 24) kWh; NaN where it is not known, and nothing is reported then.
            days: the days of the rows, all within the fraud's.
            before: kWh in the last hour before the fraud.
            seed: of the fleet.
            number: of the meter. All that is drawn depends on seed, number, type, start and date alone.

        Returns:
            (days, 24) kWh; NaN where nothing is reported.
        """
        which = TYPES.index(self.kind)
        drawn = generator(seed, Stream.FRAUD, number, which, self.days.start)
        daily = [generator(seed, Stream.FRAUD_DAY, number, which, day) for day in days]
        hours = consumed.shape[1]
        match self.kind:
            case "h1":
                reported = h1(consumed, drawn.uniform(*SHARES))
            case "h2":
                first = np.array([rng.integers(0, hours - LEAST_OFF_H) for rng in daily])
                length = np.array([rng.integers(LEAST_OFF_H, hours, endpoint=True) for rng in daily])
                reported = h2(consumed, first, length)
            case "h3":
                reported = h3(consumed, np.array([rng.uniform(*SHARES, hours) for rng in daily]))
            case "h4":
                reported = h4(consumed, np.array([rng.uniform(*SHARES, hours) for rng in daily]))
            case "h5":
                reported = h5(consumed)
            case "h6":
                reported = h6(consumed)
            case "bypass":
                reported = bypass(consumed, drawn.uniform(*AROUND))
            case _:
                fixed = {"stuck": before, "dead": 0.0, "silent": np.nan}
                reported = np.full_like(consumed, fixed[self.kind])
        return np.where(np.isnan(consumed), np.nan, reported)


def parse(spec: str, *, end: int) -> Fraud:
    """Reads `METER:TYPE:START[:DAYS]`, e.g. `meter-0001:h3:2026-11-02:14` or `meter-0001:bypass:-30d`.

    Args:
        spec: the text; START is ISO 8601 (UTC where it names no zone) or relative to `end`, and stands for the day in
            UTC in which it lies; without DAYS it lasts until the end.
        end: unix seconds of the simulation's end.

    Raises:
        SimulatorError: it is not of that form.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SimulatorError(f"fraud {spec!r}; expected METER:TYPE:START[:DAYS], e.g. meter-0001:h3:-14d:7")
    first = parse_time(match["start"], relative_to=end) // DAY_S
    lasts = days_in_s(match["days"], f"fraud {spec!r}") // DAY_S if match["days"] else -(-end // DAY_S) - first
    return Fraud(match["device"].lower(), match["type"].lower(), first * DAY_S, (first + lasts) * DAY_S)


def random_frauds(
    numbers: Sequence[int],
    start: int,
    end: int,
    *,
    count: int,
    kinds: Sequence[str] = THEFTS,
    days: int = 14,
    quiet_days: int = 0,
    seed: int,
) -> list[Fraud]:
    """`count` frauds, each in a meter of its own, for a labelled test set.

    The kinds take turns; each fraud lasts `days` and begins at random on a day after the quiet ones.

    Raises:
        SimulatorError: there are not as many meters or days.
    """
    if not 0 <= count <= len(numbers):
        raise SimulatorError(f"{count} random frauds in {len(numbers)} meters; expected at most one in each")
    first = -(-start // DAY_S) + quiet_days
    spare = end // DAY_S - first - days
    if count and not kinds:
        raise SimulatorError(f"{count} random frauds of no type; expected some of {', '.join(TYPES)}")
    if count and (spare < 0 or days < 1):
        raise SimulatorError(
            f"frauds of {days} days after {quiet_days} quiet days do not fit into the "
            f"{end // DAY_S - -(-start // DAY_S)} whole days of the range"
        )
    rng = generator(seed, Stream.RANDOM_FRAUD)
    chosen = sorted(rng.choice(np.array(numbers), size=count, replace=False).tolist())
    turns = [kinds[i % len(kinds)] for i in range(count)]
    rng.shuffle(turns)
    frauds = []
    for number, kind in zip(chosen, turns, strict=True):
        day = first + int(rng.integers(0, spare, endpoint=True))
        frauds.append(Fraud(device_name(number), kind, day * DAY_S, (day + days) * DAY_S))
    return frauds


def device_name(number: int) -> str:
    """The device of a meter: 7 is "meter-0007"."""
    return f"meter-{number:04d}"
