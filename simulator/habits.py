"""What consumers of a kind have in common: how much they use, when, and when they are away.

The numbers are orders of size (see `simulator.consumers` for their sources), not the statistics of a country.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Shape = Callable[[np.random.Generator], Float]

HOURS = 24
_CLOCK = np.arange(HOURS) + 0.5


@dataclass(frozen=True)
class Vacation:
    """Days without anybody there, from `first` until before `stop`, counted from 1970-01-01."""

    first: int
    stop: int


@dataclass(frozen=True)
class Appliance:
    """Something that is used from a day on, and the share of each hour in its use."""

    day: int
    kwh_a_day: float
    hours: tuple[float, ...]


@dataclass(frozen=True)
class Absence:
    """A kind of vacation: how likely in a year, between which days of it it begins, how many days it lasts."""

    likely: float
    begins: tuple[int, int]
    days: tuple[int, int]


@dataclass(frozen=True)
class Habits:
    """One kind of consumer. Pairs are the range that a consumer's own number is drawn from.

    Attributes:
        annual_kwh: drawn evenly on a log scale.
        base: share of the mean that is drawn day and night.
        yearly: amplitude of the yearly wave, positive for more in winter.
        shape: draws (3, 24) from a generator: working day, Saturday, Sunday.
        day_deviation: of the logarithm, from day to day; it lasts some days.
        lasting_deviation: of the logarithm, within the day; it lasts some hours.
        hour_deviation: of the logarithm, of each hour by itself.
        away: what is left of the part above the base when nobody is there.
        absences: the vacations.
        appliances_a_year: how many are bought in the mean.
        appliances: kWh a day as a share of the consumer's mean day, and the hours of use.
    """

    annual_kwh: tuple[float, float]
    base: tuple[float, float]
    yearly: tuple[float, float]
    shape: Shape
    day_deviation: float
    lasting_deviation: float
    hour_deviation: float
    away: float
    absences: tuple[Absence, ...]
    appliances_a_year: float
    appliances: tuple[tuple[float, float, tuple[float, ...]], ...]


def vacations(habits: Habits, new_year: int, rng: np.random.Generator) -> list[Vacation]:
    """The vacations that begin in a year; `new_year` is its first day."""
    found = []
    for absence in habits.absences:
        taken = rng.random() < absence.likely
        first = new_year + int(rng.integers(*absence.begins, endpoint=True))
        length = int(rng.integers(*absence.days, endpoint=True))
        if taken:
            found.append(Vacation(first, first + length))
    return found


def appliances(habits: Habits, new_year: int, kwh_a_day: float, rng: np.random.Generator) -> list[Appliance]:
    """The appliances that are bought in a year by a consumer of so much a day."""
    found = []
    for _ in range(int(rng.poisson(habits.appliances_a_year))):
        low, high, hours = habits.appliances[int(rng.integers(len(habits.appliances)))]
        found.append(Appliance(new_year + int(rng.integers(365)), kwh_a_day * float(rng.uniform(low, high)), hours))
    return found


def _bump(at: float, width: float) -> Float:
    apart = (_CLOCK - at + 12) % 24 - 12
    return np.asarray(np.exp(-0.5 * (apart / width) ** 2))


def _open(begin: float, end: float, sharpness: float = 2.5) -> Float:
    """Near 1 between two hours, near 0 outside."""
    return np.asarray(1 / (1 + np.exp(-(_CLOCK - begin) * sharpness)) - 1 / (1 + np.exp(-(_CLOCK - end) * sharpness)))


def _spread(over: Float) -> tuple[float, ...]:
    return tuple((over / over.sum()).tolist())


def _household(rng: np.random.Generator) -> Float:
    """Peaks in the morning, at noon and, highest, in the evening; on weekends the morning is late and noon high."""
    morning, noon, evening = rng.uniform(0.5, 1.0), rng.uniform(0.4, 0.9), rng.uniform(1.4, 2.0)
    rises, returns = rng.normal(7.3, 0.6), rng.normal(19.8, 0.6)
    evenings = 0.1 + evening * _bump(returns, 2.2)
    working = evenings + morning * _bump(rises, 1.2) + noon * _bump(12.8, 2.2)
    saturday = evenings + 0.9 * morning * _bump(rises + 1.8, 1.8) + 1.5 * noon * _bump(13.3, 2.8)
    sunday = evenings + 0.9 * morning * _bump(rises + 2.3, 1.8) + 1.8 * noon * _bump(12.8, 2.5)
    return np.stack([working, saturday, sunday])


def _shop(rng: np.random.Generator) -> Float:
    """Open from morning to evening, shorter on Saturdays and, as a rule, closed on Sundays."""
    begin, end = rng.uniform(7, 10), rng.uniform(17.5, 21)
    working = 0.05 + _open(begin, end)
    saturday = 0.05 + rng.uniform(0.7, 1.0) * _open(begin + 0.5, end - rng.uniform(0, 4))
    sunday = 0.05 + (rng.uniform(0.5, 0.9) * _open(begin + 2, end - 3) if rng.random() < 0.2 else np.zeros(HOURS))
    return np.stack([working, saturday, sunday])


def _industry(rng: np.random.Generator) -> Float:
    """One, two or three shifts; some work on Saturdays, and those of three shifts never quite stop."""
    shifts = int(rng.integers(1, 4))
    begin = rng.uniform(5.5, 7.5)
    working = np.ones(HOURS) if shifts == 3 else _open(begin, begin + 8.5 * shifts)
    rest = 0.6 if shifts == 3 else 0.1
    saturday = rest + (rng.uniform(0.3, 0.8) * _open(begin, begin + 8) if rng.random() < 0.4 else np.zeros(HOURS))
    return np.stack([0.1 + working, saturday, np.full(HOURS, rest)])


_ALWAYS, _EVENING, _NIGHT, _DAY = (
    _spread(np.ones(HOURS)),
    _spread(_bump(19.5, 1.5)),
    _spread(_bump(1.0, 1.5)),
    _spread(_open(7, 18)),
)

OF = {
    "household": Habits(
        annual_kwh=(1_800, 4_500),
        base=(0.20, 0.40),
        yearly=(0.15, 0.40),
        shape=_household,
        day_deviation=0.15,
        lasting_deviation=0.30,
        hour_deviation=0.40,
        away=0.05,
        absences=(
            Absence(0.7, (165, 240), (7, 21)),
            Absence(0.3, (353, 359), (5, 13)),
            Absence(0.4, (60, 300), (3, 8)),
        ),
        appliances_a_year=0.10,
        # a freezer; a tumble dryer; an electric car that is charged at home
        appliances=((0.06, 0.18, _ALWAYS), (0.10, 0.30, _EVENING), (0.30, 0.70, _NIGHT)),
    ),
    "shop": Habits(
        annual_kwh=(6_000, 80_000),
        base=(0.20, 0.45),
        yearly=(-0.12, 0.12),
        shape=_shop,
        day_deviation=0.06,
        lasting_deviation=0.08,
        hour_deviation=0.08,
        away=0.08,
        absences=(Absence(0.4, (190, 235), (7, 16)),),
        appliances_a_year=0.12,
        # a cold counter; an oven
        appliances=((0.05, 0.20, _ALWAYS), (0.05, 0.20, _DAY)),
    ),
    "industry": Habits(
        annual_kwh=(150_000, 2_000_000),
        base=(0.15, 0.40),
        yearly=(-0.05, 0.08),
        shape=_industry,
        day_deviation=0.06,
        lasting_deviation=0.06,
        hour_deviation=0.05,
        away=0.15,
        # the works holiday, and the days between the years
        absences=(Absence(0.5, (195, 225), (12, 21)), Absence(0.8, (355, 358), (8, 12))),
        appliances_a_year=0.2,
        appliances=((0.03, 0.12, _DAY), (0.03, 0.12, _ALWAYS)),
    ),
}
