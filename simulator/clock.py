"""Times and durations on the command line."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from simulator.errors import SimulatorError

DAY_S = 86_400
#: twenty years: a longer range is a slip
_MOST_DAYS = 7_305
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}


def parse_time(text: str, *, relative_to: int) -> int:
    """Unix seconds from `now`, ISO 8601 (UTC where it names no zone), or an offset such as `-5d`, `-36h`, `-90m`.

    Raises:
        SimulatorError: it is none of these.
    """
    if text == "now":
        return int(time.time())
    offset = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)([mhd])", text)
    if offset:
        return relative_to + round(float(offset[1]) * _UNITS[offset[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SimulatorError(f"time {text!r}; expected ISO 8601 such as 2026-11-22T19:00Z, now, or -5d") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def parse_duration(text: str) -> float:
    """Seconds from a number with a unit: `90s`, `30m`, `6h`, `2d`.

    Raises:
        SimulatorError: it is something else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise SimulatorError(f"duration {text!r}; expected a number and its unit, such as 90s, 30m, 6h or 2d")
    return float(found[1]) * _UNITS[found[2]]


def time_range(start: str | None, end: str | None, days: float | None) -> tuple[int, int]:
    """Unix seconds of a simulated range from the options `--start`, `--end` and `--days`; a week up to now by default.

    Raises:
        SimulatorError: a time cannot be read, both start and days are given, or the days are out of bounds.
    """
    last = last_full_hour() if end is None else parse_time(end, relative_to=int(time.time()))
    if start is not None and days is not None:
        raise SimulatorError("--start and --days say the same thing; give one of them")
    days = 7.0 if days is None else days
    if not 0 < days < _MOST_DAYS:
        raise SimulatorError(f"--days is {days:g}; expected more than 0 and less than {_MOST_DAYS}")
    return (parse_time(start, relative_to=last) if start else last - round(days * DAY_S)), last


def last_full_hour() -> int:
    """Unix seconds of the last full hour before the present."""
    return int(time.time()) // 3600 * 3600
