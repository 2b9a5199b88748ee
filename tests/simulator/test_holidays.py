from __future__ import annotations

from datetime import date

import pytest

from simulator.errors import SimulatorError
from simulator.holidays import COUNTRIES, easter, holidays


def days(country: str, year: int) -> list[str]:
    first, end = ((date(y, 1, 1) - date(1970, 1, 1)).days for y in (year, year + 1))
    return [f"{date.fromordinal(d + date(1970, 1, 1).toordinal()):%m-%d}" for d in holidays(country, first, end)]


@pytest.mark.parametrize(
    ("year", "month", "day"), [(1961, 4, 2), (2000, 4, 23), (2008, 3, 23), (2024, 3, 31), (2026, 4, 5), (2038, 4, 25)]
)
def test_easter_is_when_the_church_keeps_it(year: int, month: int, day: int) -> None:
    assert easter(year) == date(year, month, day)


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("BR", "01-01 02-16 02-17 04-03 04-21 05-01 06-04 09-07 10-12 11-02 11-15 11-20 12-25"),
        ("DE", "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26"),
        ("GB", "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26"),
        ("PT", "01-01 04-03 04-25 05-01 06-04 06-10 08-15 10-05 11-01 12-01 12-08 12-25"),
        ("US", "01-01 01-19 02-16 05-25 06-19 07-04 09-07 10-12 11-11 11-26 12-25"),
    ],
)
def test_the_holidays_of_2026_are_those_of_the_calendar(country: str, expected: str) -> None:
    assert days(country, 2026) == expected.split()


def test_a_range_holds_its_own_days_only_and_an_unknown_country_is_refused() -> None:
    christmas = (date(2026, 12, 25) - date(1970, 1, 1)).days
    assert holidays("us", christmas, christmas + 8) == [christmas, christmas + 7]
    assert holidays("US", christmas + 1, christmas + 7) == []
    with pytest.raises(SimulatorError, match=", ".join(COUNTRIES)):
        holidays("XX", 0, 1)
