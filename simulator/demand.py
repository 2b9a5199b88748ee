"""Water demand of a district: what its consumers draw, as multipliers of their mean.

Three classes of consumers (early households, late households, trade), each with a shape of the day for working
days and for weekends, on top of a constant background leakage; a yearly wave, a smooth level from day to day, what a
night's few consumers draw more or less than on others, an AR(1) process within the day and a small noise for each step.

Where its statistics stand beside those of real districts is in `tests/simulator/test_realism.py`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.seeds import Stream, generator

CLASSES = 3
DAY_S = 86_400
#: how a day's random level spreads over the days that follow (sum of squares is 1)
_DAY_KERNEL = np.exp(-np.arange(8) / 2.5) / np.sqrt(np.sum(np.exp(-2 * np.arange(8) / 2.5)))
#: when a night's own use is greatest, and how far it reaches. In ten real districts an hour's deviation from its usual
#: flow is correlated with that at 3 o'clock by .4 at 1 o'clock, .5 at 5, .3 at 6 and .2 at 7 (medians, from the data of
#: Alvisi et al. 2025, Battle of Water Demand Forecasting)
_NIGHT_AT, _NIGHT_HOURS = 3.0, 2.0
_AR_HOURS = 3.0
_AR_DEVIATION = 0.05
_STEP_DEVIATION = 0.025


@dataclass(frozen=True, eq=False)
class Demand:
    """The demand of one district.

    Attributes:
        seed: of the fleet.
        district: its number.
        interval_s: the distance of two steps, a divisor of a day.
        background: share of the mean that leaks away day and night, in all normality.
        shapes: (2, classes, steps of a day), working day and weekend; the mean over a week is 1.
        yearly: amplitude of the yearly wave, highest in mid July.
        level_deviation: standard deviation of a day's level.
        night_deviation: standard deviation of the logarithm of what is drawn in a night.
        late_nights: logarithm of how much more is drawn in the nights to Saturday and Sunday than in others.
    """

    seed: int
    district: int
    interval_s: int
    background: float
    shapes: NDArray[np.float64]
    yearly: float
    level_deviation: float
    night_deviation: float
    late_nights: float

    @classmethod
    def of(cls, seed: int, district: int, interval_s: int) -> Demand:
        """The demand that a seed and a district's number stand for."""
        rng = generator(seed, Stream.DEMAND, district)
        background, yearly, level = rng.uniform(0.12, 0.19), rng.uniform(0.01, 0.05), rng.uniform(0.015, 0.035)
        hours = np.arange(0, DAY_S, interval_s) / 3600
        household = [_household(rng, hours, shift) for shift in (0.0, 1.0)]
        shapes = np.stack([*household, _trade(rng, hours)], axis=1)
        week = (5 * shapes[0] + 2 * shapes[1]).mean(axis=1) / 7
        shapes /= week[None, :, None]
        night, late = rng.uniform(0.04, 0.12), rng.uniform(0.0, 0.06)
        return cls(seed, district, interval_s, background, shapes, yearly, level, night, late)

    def days(
        self, days: Sequence[int], *, holidays: Container[int] = (), excess: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Multipliers of the mean demand.

        Args:
            days: counted from 1970-01-01 in UTC.
            holidays: those on which people live as on a weekend.
            excess: (days * steps) what is drawn beyond the usual, e.g. 0.2 in a heat wave; background leakage stays.

        Returns:
            (classes, days * steps of a day).
        """
        rest = [(day + 3) % 7 >= 5 or day in holidays for day in days]
        steps = self.shapes.shape[2]
        towards = np.arange(steps) / steps
        known = {day: self._level(day) for day in sorted({*days, *(day + 1 for day in days)})}
        levels = [
            (1 - towards) * known[day]
            + towards * known[day + 1]
            + self.yearly * np.cos(2 * np.pi * (day + towards - 195) / 365.25)
            for day in days
        ]
        nights, within = self._nights(days), self._within_days(days)
        drawn = np.concatenate(
            [self.shapes[int(r)] * np.exp(a + n + w) for r, a, n, w in zip(rest, levels, nights, within, strict=True)],
            axis=1,
        )
        if excess is not None:
            drawn = drawn * (1 + excess)
        return np.asarray(self.background + (1 - self.background) * drawn)

    def _level(self, day: int) -> float:
        past = [generator(self.seed, Stream.DAY_LEVEL, self.district, day - k).standard_normal() for k in range(8)]
        return float(self.level_deviation * (_DAY_KERNEL @ np.array(past)))

    def _nights(self, days: Sequence[int]) -> NDArray[np.float64]:
        """(days, steps): logarithm of how much more than usual is drawn by night; smooth over midnight."""
        hours = np.arange(self.shapes.shape[2]) * self.interval_s / 3600
        before, after = (np.exp(-0.5 * ((hours - at) / _NIGHT_HOURS) ** 2) for at in (_NIGHT_AT, _NIGHT_AT + 24))
        known = {day: self._night(day) for day in sorted({*days, *(day + 1 for day in days)})}
        return np.stack([known[day] * before + known[day + 1] * after for day in days])

    def _night(self, day: int) -> float:
        """Of the night that ends on a day."""
        own = generator(self.seed, Stream.NIGHT_USE, self.district, day).standard_normal()
        return float(self.night_deviation * own + self.late_nights * ((day + 3) % 7 >= 5))

    def _within_days(self, days: Sequence[int]) -> NDArray[np.float64]:
        """(days, classes, steps): the process of every day, all days at once."""
        # the process starts a day earlier, so that what came before it has decayed to nothing
        noise = {day: self._noise(day) for day in sorted({*days, *(day - 1 for day in days)})}
        pushes = np.stack([np.concatenate([noise[day - 1][0], noise[day][0]], axis=1) for day in days])
        own = np.stack([noise[day][1] for day in days])
        steps = own.shape[2]
        keep = np.exp(-self.interval_s / 3600 / _AR_HOURS)
        state = np.zeros(own.shape[:2])
        path = np.empty(own.shape)
        for t in range(2 * steps):
            state = keep * state + np.sqrt(1 - keep**2) * pushes[:, :, t]
            if t >= steps:
                path[:, :, t - steps] = state
        return np.asarray(_AR_DEVIATION * path + _STEP_DEVIATION * own)

    def _noise(self, day: int) -> NDArray[np.float64]:
        steps = DAY_S // self.interval_s
        return generator(self.seed, Stream.DAY_NOISE, self.district, day).standard_normal((2, CLASSES, steps))


def _bump(hours: NDArray[np.float64], at: float, width: float) -> NDArray[np.float64]:
    apart = (hours - at + 12) % 24 - 12
    return np.asarray(np.exp(-0.5 * (apart / width) ** 2))


def _household(rng: np.random.Generator, hours: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """(2, steps): morning and evening peaks; on weekends the morning is later, broader and lower."""
    night, morning, noon, evening = (rng.uniform(*r) for r in ((0.15, 0.22), (1.5, 2.0), (0.5, 0.7), (0.9, 1.3)))
    early, late = 7.0 + shift + rng.normal(0, 0.25), 19.3 + shift / 2 + rng.normal(0, 0.3)
    evenings = evening * _bump(hours, late, 2.3)
    working = night + morning * _bump(hours, early, 1.4) + noon * _bump(hours, 13.0, 3.0) + evenings
    weekend = night + 0.85 * morning * _bump(hours, early + 1.6, 2.1) + 1.4 * noon * _bump(hours, 14.0, 3.0) + evenings
    return np.stack([working, weekend])


def _trade(rng: np.random.Generator, hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, steps): a plateau over the working hours, little on weekends."""
    night, height = rng.uniform(0.15, 0.25), rng.uniform(1.2, 1.8)
    plateau = 1 / (1 + np.exp(-(hours - 7.5) * 2)) - 1 / (1 + np.exp(-(hours - 18.0) * 1.2))
    return np.stack([night + height * plateau, night + rng.uniform(0.2, 0.4) * height * plateau])
