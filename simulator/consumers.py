"""Consumers of electricity: what households, shops and works draw in each hour, in kWh.

A consumer has a base load that never stops, and a part that follows the hour, the kind of day, the season and whether
anybody is there, with a lognormal deviation from day to day and from hour to hour (Carpaneto and Chicco,
"Probabilistic characterisation of the aggregated residential load patterns", IET Generation, Transmission &
Distribution 2 (3), 2008, find lognormal and gamma to fit best). Hours are UTC; the winter is that of the north.

Orders of size: a British household uses 1,800 (low), 2,700 (medium) or 4,100 kWh (high) a year (Ofgem, typical domestic
consumption values, 2023). The German standard profile of households H0 has its peak in the evening, another at noon and
at night 0.37 of its mean (VDEW, "Repräsentative VDEW-Lastprofile", 1999, which gives the profiles of trade G0-G6, too);
H0 is 1.24 times its mean at the turn of the year. Shapes of the three kinds: Jardini et al., "Daily load profiles for
residential, commercial and industrial low voltage consumers", IEEE Transactions on Power Delivery 15 (1), 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Truth
from simulator import habits
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.habits import HOURS, Appliance, Habits, Vacation
from simulator.holidays import holidays
from simulator.seeds import Stream, generator

Float = NDArray[np.float64]

#: the kinds of consumers and their shares of a fleet
KINDS = {"household": 0.75, "shop": 0.18, "industry": 0.07}

#: appliances bought before this year are part of what a consumer always had
FIRST_YEAR = 2024
_YEAR_D = 365.25
_SUNDAY = 2
#: how a random deviation lasts: over days, and over the hours within one
_DAYS = np.exp(-np.arange(7) / 2.0)
_HOURS = np.exp(-np.arange(HOURS) / 2.0)


@dataclass(frozen=True)
class Consumer:
    """One consumer.

    Attributes:
        seed: of the fleet.
        number: of the meter.
        kind: one of `KINDS`.
        mean: kWh an hour, over a year without vacations.
        base: share of the mean that is drawn day and night.
        yearly: amplitude of the yearly wave of the rest, highest in mid January.
        holidays: the country whose public holidays are lived as Sundays, e.g. "BR"; None: none.
    """

    seed: int
    number: int
    kind: str
    mean: float
    base: float
    yearly: float
    holidays: str | None = None

    @classmethod
    def of(
        cls, seed: int, number: int, kinds: Sequence[str] = tuple(KINDS), *, holidays: str | None = None
    ) -> Consumer:
        """The consumer that a seed and a meter's number stand for, of one of the kinds.

        Raises:
            SimulatorError: a kind that there is not.
        """
        unknown = [k for k in kinds if k not in KINDS]
        if unknown or not kinds:
            raise SimulatorError(f"kinds of consumers {', '.join(kinds)!r}; expected some of {', '.join(KINDS)}")
        rng = generator(seed, Stream.CONSUMER, number)
        chosen = sorted(set(kinds), key=tuple(KINDS).index)
        weights = np.array([KINDS[k] for k in chosen])
        kind = chosen[int(rng.choice(len(chosen), p=weights / weights.sum()))]
        of_kind = habits.OF[kind]
        annual = np.exp(rng.uniform(*np.log(of_kind.annual_kwh)))
        base, yearly = float(rng.uniform(*of_kind.base)), float(rng.uniform(*of_kind.yearly))
        return cls(seed, number, kind, float(annual / (_YEAR_D * HOURS)), base, yearly, holidays)

    @cached_property
    def shape(self) -> Float:
        """(3, 24): the part that follows the hour on a working day, a Saturday, a Sunday; its mean over a week is 1."""
        shape = self._habits.shape(generator(self.seed, Stream.CONSUMER_SHAPE, self.number))
        return np.asarray(shape / ((5 * shape[0] + shape[1] + shape[2]).mean() / 7))

    def hours(self, days: range) -> Float:
        """(days, 24): kWh in each hour of days counted from 1970-01-01 in UTC; each depends on its date alone."""
        white = self._white(range(days.start - len(_DAYS) + 1, days.stop))
        habit, date = self._habits, np.arange(days.start, days.stop)
        level = _lasting(white[:, 0], _DAYS)
        within = _lasting(white[len(_DAYS) - 2 :, 2 : 2 + HOURS].ravel(), _HOURS)[1:].reshape(-1, HOURS)
        each = white[len(_DAYS) - 1 :, 2 + HOURS :]
        deviations = habit.day_deviation * level[:, None] + habit.lasting_deviation * within
        spread = np.sqrt(habit.day_deviation**2 + habit.lasting_deviation**2 + habit.hour_deviation**2)
        # a lognormal number of mean 1
        noise = np.exp(deviations + habit.hour_deviation * each - spread**2 / 2)
        season = 1 + self.yearly * np.cos(2 * np.pi * (date - 15) / _YEAR_D)
        there = np.where(self._away(days), habit.away, 1.0)
        kind_of_day = np.where(np.isin(date, self._days_off(days)), _SUNDAY, _kind_of_day(date))
        active = self.shape[kind_of_day] * (season * there)[:, None] * noise
        drawn = self.mean * (self.base * np.exp(0.1 * each) + (1 - self.base) * active)
        for appliance in self._appliances(days.stop):
            use = np.where(date >= appliance.day, np.exp(0.3 * white[len(_DAYS) - 1 :, 1]) * there, 0.0)
            drawn += appliance.kwh_a_day * use[:, None] * np.array(appliance.hours)
        return np.asarray(drawn)

    def events(self, device_id: str, start: int, end: int) -> tuple[Truth, ...]:
        """What is out of the usual and yet normal within a range.

        Public holidays; vacations, sized by the share of the mean that falls away; and appliances that are new in the
        range, by their kWh a day.
        """
        days = range(start // DAY_S, -(-end // DAY_S))
        away = round((1 - self.base) * (1 - self._habits.away), 3)
        found = [Truth(device_id, "vacation", v.first * DAY_S, v.stop * DAY_S, away) for v in self._vacations(days)]
        found += [
            Truth(device_id, "public holiday", day * DAY_S, (day + 1) * DAY_S, 1.0) for day in self._days_off(days)
        ]
        found += [
            Truth(device_id, "appliance", a.day * DAY_S, end, round(a.kwh_a_day, 3))
            for a in self._appliances(days.stop)
            if start <= a.day * DAY_S
        ]
        return tuple(
            Truth(t.device_id, t.kind, max(t.start, start), min(t.end, end), t.size, anomalous=False)
            for t in found
            if t.start < end and t.end > start
        )

    @property
    def _habits(self) -> Habits:
        return habits.OF[self.kind]

    def _white(self, days: range) -> Float:
        """(days, 2 + 48) independent standard normal numbers: of the day, of its appliances, of its hours twice."""
        rngs = (generator(self.seed, Stream.CONSUMER_DAY, self.number, day) for day in days)
        return np.array([rng.standard_normal(2 + 2 * HOURS) for rng in rngs])

    def _days_off(self, days: range) -> list[int]:
        return holidays(self.holidays, days.start, days.stop) if self.holidays else []

    def _away(self, days: range) -> NDArray[np.bool_]:
        date = np.arange(days.start, days.stop)
        away = np.zeros(len(date), dtype=np.bool_)
        for v in self._vacations(days):
            away |= (date >= v.first) & (date < v.stop)
        return away

    def _vacations(self, days: range) -> list[Vacation]:
        found = []
        # the one over the turn of the year began in the year before
        for year in range(_year(days.start) - 1, _year(days.stop) + 1):
            rng = generator(self.seed, Stream.VACATIONS, self.number, year)
            found += habits.vacations(self._habits, _first_day(year), rng)
        return [v for v in found if v.first < days.stop and v.stop > days.start]

    def _appliances(self, before: int) -> list[Appliance]:
        found: list[Appliance] = []
        for year in range(FIRST_YEAR, _year(before) + 1):
            rng = generator(self.seed, Stream.APPLIANCES, self.number, year)
            found += habits.appliances(self._habits, _first_day(year), HOURS * self.mean, rng)
        return [a for a in found if a.day < before]


def _lasting(white: Float, kernel: Float) -> Float:
    """(n - k + 1,) normal numbers of deviation 1, each a sum of the last k of (n,) independent ones.

    Added up one by one, so that a number's last bit does not depend on how many others there are.
    """
    kernel = kernel / np.sqrt(np.sum(kernel**2))
    rows = len(white) - len(kernel) + 1
    total = np.zeros(rows)
    for ago, weight in enumerate(kernel.tolist()):
        begin = len(kernel) - 1 - ago
        total += weight * white[begin : begin + rows]
    return total


def _kind_of_day(day: NDArray[np.int_]) -> NDArray[np.int_]:
    """0 from Monday to Friday, 1 on a Saturday, 2 on a Sunday."""
    return np.maximum((day + 3) % 7 - 4, 0)


def _year(day: int) -> int:
    return int(np.datetime64(day, "D").astype("datetime64[Y]").astype(int)) + 1970


def _first_day(year: int) -> int:
    return int(np.datetime64(f"{year:04d}-01-01", "D").astype(int))
