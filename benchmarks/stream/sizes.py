"""How much is measured: in full, and the short version that a test runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        rounds: of each comparison.
        devices: that send at once.
        single: messages of one reading in a round.
        fifty: messages of 50 readings in a round.
        paced_s: seconds of a measurement at a constant rate.
        stored: numbers of devices whose state is stored.
        grown: messages in a round of each of those.
    """

    rounds: int = 3
    devices: int = 50
    single: int = 1500
    fifty: int = 250
    paced_s: float = 10.0
    stored: tuple[int, ...] = (10, 1_000, 100_000)
    grown: int = 1000


FULL = Sizes()
QUICK = Sizes(rounds=1, devices=8, single=80, fifty=16, paced_s=1.5, stored=(10, 200), grown=60)
