"""Public holidays of a few countries, by rule: fixed dates, days counted from Easter, and nth weekdays of a month.

Nationwide ones (GB: England's), and in BR also Carnival and Corpus Christi, on which hardly anybody works. A holiday
on a weekend changes nothing; the substitute that some countries then give on a Monday is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from simulator.errors import SimulatorError

_EPOCH = date(1970, 1, 1)
_Rule = Callable[[int], date]


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher's algorithm; Meeus 1991, chapter 8)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leaps, quarter = divmod(century, 4)
    epact = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * quarter + 2 * (of_century // 4) - epact - of_century % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def _fixed(month: int, day: int) -> _Rule:
    return lambda year: date(year, month, day)


def _from_easter(days: int) -> _Rule:
    return lambda year: easter(year) + timedelta(days)


def _nth(nth: int, weekday: int, month: int, year: int) -> date:
    """The nth (from 1, or -1 for the last) weekday (Monday is 0) of a month."""
    if nth < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(1)
        return last - timedelta((last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _rules(fixed: str, from_easter: tuple[int, ...], moving: tuple[tuple[int, int, int], ...] = ()) -> list[_Rule]:
    dates = [tuple(int(n) for n in word.split("-")) for word in fixed.split()]
    return [
        *(_fixed(month, day) for month, day in dates),
        *(_from_easter(days) for days in from_easter),
        *(partial(_nth, *rule) for rule in moving),
    ]


_COUNTRIES = {
    "BR": _rules("1-1 4-21 5-1 9-7 10-12 11-2 11-15 11-20 12-25", (-48, -47, -2, 60)),
    "DE": _rules("1-1 5-1 10-3 12-25 12-26", (-2, 1, 39, 50)),
    "GB": _rules("1-1 12-25 12-26", (-2, 1), ((1, 0, 5), (-1, 0, 5), (-1, 0, 8))),
    "PT": _rules("1-1 4-25 5-1 6-10 8-15 10-5 11-1 12-1 12-8 12-25", (-2, 60)),
    "US": _rules("1-1 6-19 7-4 11-11 12-25", (), ((3, 0, 1), (3, 0, 2), (-1, 0, 5), (1, 0, 9), (2, 0, 10), (4, 3, 11))),
}
COUNTRIES = tuple(_COUNTRIES)


def holidays(country: str, first_day: int, end_day: int) -> list[int]:
    """The public holidays from a day up to, not including, another; days are counted from 1970-01-01.

    Raises:
        SimulatorError: there is no calendar of that country.
    """
    if country.upper() not in _COUNTRIES:
        raise SimulatorError(f"holidays of {country!r}; expected one of {', '.join(COUNTRIES)}")
    years = range((_EPOCH + timedelta(first_day)).year, (_EPOCH + timedelta(end_day)).year + 1)
    days = {(rule(year) - _EPOCH).days for year in years for rule in _COUNTRIES[country.upper()]}
    return sorted(day for day in days if first_day <= day < end_day)
