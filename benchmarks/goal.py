"""What a part is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """One of them.

    Attributes:
        what: is measured.
        wanted, found: as text.
        met: whether it is.
    """

    what: str
    wanted: str
    found: str
    met: bool


def summary(goals: Sequence[Goal], report: Path) -> str:
    """A line for each goal, and how many are met; `report` is where the figures are."""
    lines = [f"{'met   ' if g.met else 'MISSED'}  {g.what}: wanted {g.wanted}, found {g.found}" for g in goals]
    met = sum(g.met for g in goals)
    return "\n".join([*lines, f"{met} of {len(goals)} goals met; see {report}"])
