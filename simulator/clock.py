"""Times and durations on the command line."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from aiot_anomaly.datasets.readings import iso
from simulator.errors import SimulatorError

DAY_S = 86_400
#: twenty years: a longer range is a slip
MOST_DAYS = 7_305
#: 1970-01-11 and 2200-01-01: what lies outside is a slip
EARLIEST, LATEST = 10 * DAY_S, 7_258_118_400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}


def parse_time(text: str, *, relative_to: int) -> int:
    """Unix seconds from `now`, ISO 8601 (UTC where it names no zone), or an offset such as `-5d`, `-36h`, `-90m`.

    Raises:
        SimulatorError: it is none of these, or lies before 1970-01-11 or after 2199.
    """
    if text == "now":
        return int(time.time())
    offset = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)([mhd])", text)
    if offset:
        by = float(offset[1]) * _UNITS[offset[2]]
        found = relative_to + (round(by) if abs(by) < LATEST else by)
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise SimulatorError(f"time {text!r}; expected ISO 8601 such as 2026-11-22T19:00Z, now, or -5d") from None
        found = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not EARLIEST <= found < LATEST:
        raise SimulatorError(f"time {text!r}; expected one from {moment(EARLIEST)} to before {moment(LATEST)}")
    return int(found)


def moment(seconds: int) -> str:
    """Unix seconds as people read them, e.g. 2026-11-22T19:00:00Z."""
    try:
        return iso(seconds)
    except (OverflowError, ValueError, OSError):  # of a year that there is not
        return f"{seconds} s after 1970"


def check_range(start: int, end: int, interval_s: int) -> None:
    """That a device can have reported from `start` to before `end`.

    Raises:
        SimulatorError: it ends before it starts, lies too early or in the future, or no reading falls into it.
    """
    if not EARLIEST <= start < end:
        raise SimulatorError(
            f"range from {moment(start)} to {moment(end)}; expected an end after the start, and that from "
            f"{moment(EARLIEST)} on"
        )
    if end > time.time():
        raise SimulatorError(f"the range ends at {moment(end)}, in the future; devices report the past only")
    if -(-start // interval_s) * interval_s >= end:
        raise SimulatorError(
            f"no reading falls into the range from {moment(start)} to {moment(end)}; there is one every {interval_s} s"
        )


def days_in_s(text: str, what: str) -> int:
    """Seconds of a number of days; `what` names what lasts as long.

    Raises:
        SimulatorError: it is no number, or more than twenty years.
    """
    try:
        days = float(text)
    except ValueError:
        raise SimulatorError(f"{what}: {text} is no number of days") from None
    if not 0 <= days <= MOST_DAYS:
        raise SimulatorError(f"{what}: {days:g} days; expected 0 to {MOST_DAYS}")
    return round(days * DAY_S)


def parse_duration(text: str) -> float:
    """Seconds from a number with a unit: `90s`, `30m`, `6h`, `2d`.

    Raises:
        SimulatorError: it is something else, or longer than twenty years.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise SimulatorError(f"duration {text!r}; expected a number and its unit, such as 90s, 30m, 6h or 2d")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > MOST_DAYS * DAY_S:
        raise SimulatorError(f"duration {text!r}; expected {MOST_DAYS}d at most")
    return seconds


def time_range(start: str | None, end: str | None, days: float | None) -> tuple[int, int]:
    """Unix seconds of a simulated range from the options `--start`, `--end` and `--days`; a week up to now by default.

    Raises:
        SimulatorError: a time cannot be read, both start and days are given, or the days are out of bounds.
    """
    last = last_full_hour() if end is None else parse_time(end, relative_to=int(time.time()))
    first = None if start is None else parse_time(start, relative_to=last)
    if first is not None and days is not None:
        raise SimulatorError("--start and --days say the same thing; give one of them")
    days = 7.0 if days is None else days
    if not 0 < days < MOST_DAYS:
        raise SimulatorError(f"--days is {days:g}; expected more than 0 and less than {MOST_DAYS}")
    return (last - round(days * DAY_S) if first is None else first), last


def last_full_hour() -> int:
    """Unix seconds of the last full hour before the present."""
    return int(time.time()) // 3600 * 3600
