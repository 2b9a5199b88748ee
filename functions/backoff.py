"""How long to wait before the next attempt."""

from __future__ import annotations

import random


def pause_s(attempt: int, *, first_s: float = 0.1, longest_s: float = 2.0) -> float:
    """A random pause after failed attempt number `attempt` (from 0), in seconds.

    Between zero and a bound that doubles ("full jitter"), so that those who failed together do not come back together.
    """
    bound = min(longest_s, first_s * 2.0**attempt)
    return random.uniform(0.0, bound)  # noqa: S311 - spreads load, protects no secret
