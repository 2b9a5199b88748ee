"""When two decisions are the same: every field is, and numbers to what scores are held together to in this project.

The API scores what comes at the same time in one batch, and a processor adds the numbers of a larger batch in another
order: the last bits of a score depend on who else asked.
"""

from __future__ import annotations

import math
from typing import Any

RELATIVE = 1e-5
#: of shares that are next to nothing: what is left of 1 in the single precision of the model
ABSOLUTE = 1e-6


def alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(one == other)


def difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The fields that are not alike, with both values."""
    fields = sorted(k for k in one.keys() | other.keys() if not alike(one.get(k), other.get(k)))
    return ", ".join(f"{k}: {one.get(k)} → {other.get(k)}" for k in fields)
