"""What goes wrong and when: a plan that is drawn from a seed before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["function", "api", "function and api", "store", "store's writes", "function while the store is away"]
#: SIGKILL to a process, or to both; a store that answers nobody, or refuses to write; both at once
KINDS: tuple[Kind, ...] = (
    "function",
    "api",
    "store's writes",
    "function and api",
    "store",
    "function while the store is away",
)


@dataclass(frozen=True)
class Disruption:
    """One disruption.

    Attributes:
        kind: what is killed or cannot be reached.
        at: share of all decisions that have come out when it may begin.
        after_s: and how long after that it does, so that it finds the function anywhere in its work.
        lasts_s: until what was killed is started again, or the store is back.
    """

    kind: Kind
    at: float
    after_s: float
    lasts_s: float

    @property
    def kills(self) -> int:
        """Processes that are killed."""
        return {"function": 1, "api": 1, "function and api": 2, "function while the store is away": 1}.get(self.kind, 0)

    @property
    def outages(self) -> int:
        """Times that the store cannot be reached."""
        return int("store" in self.kind)


def plan(number: int, seed: int) -> tuple[Disruption, ...]:
    """So many disruptions in order of time, every kind in turn; the last begins before all is decided."""
    rng = np.random.default_rng(seed)
    kinds: list[Kind] = [KINDS[i % len(KINDS)] for i in range(number)]
    moments: Sequence[float] = np.sort(rng.uniform(0.02, 0.85, size=number)).tolist()
    return tuple(
        Disruption(kinds[i], at, float(rng.uniform(0, 0.5)), float(rng.uniform(0.1, 2.0)))
        for i, at in zip(rng.permutation(number).tolist(), moments, strict=True)
    )
