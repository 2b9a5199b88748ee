"""Times and durations on the command line."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from simulator.errors import SimulatorError

DAY_S = 86_400
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


def last_full_hour() -> int:
    """Unix seconds of the last full hour before the present."""
    return int(time.time()) // 3600 * 3600
