"""What is asked of the network, and whether it was met: a goal is data, and so is the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aiot_anomaly.training.benchmark import catalogue
from aiot_anomaly.training.benchmark.results import Verdict

Measures = Mapping[str, float]


@dataclass(frozen=True)
class Goal:
    """A measure of the network and its bound.

    Attributes:
        measure: its name in the catalogue.
        comparator: what the measure must be of the bound.
        bound: in the measure's unit; with `above` it is added to that measure.
        above: the measure of the network that the bound is counted from.
        note: what is to be known of it: "stretch", or whose published figure it is.
    """

    measure: str
    comparator: Literal[">=", "<=", ">"]
    bound: float
    above: str = ""
    note: str = ""

    def judge(self, measured: Measures, _others: Mapping[str, Measures]) -> Verdict:
        """The answer by the network's measures."""
        bound = self._bound(measured)
        value = measured.get(self.measure)
        if value is None or bound is None:
            return Verdict(goal=self._text(), measured=catalogue.written(self.measure, value), met=None, missed="")
        met = {">=": value >= bound, "<=": value <= bound, ">": value > bound}[self.comparator]
        return Verdict(
            goal=self._text(),
            value=round(value, 6),
            bound=round(bound, 6),
            measured=catalogue.written(self.measure, value),
            met=met,
            missed="" if met else f"by {catalogue.written(self.measure, abs(bound - value))}",
        )

    def _bound(self, measured: Measures) -> float | None:
        if not self.above:
            return self.bound
        return None if self.above not in measured else measured[self.above] + self.bound

    def _text(self) -> str:
        sign = {">=": "≥", "<=": "≤", ">": ">"}[self.comparator]
        bound = catalogue.written(self.measure, self.bound)
        if self.above:
            bound = f"{catalogue.title(self.above)} + {bound}"
        return f"{catalogue.title(self.measure)} {sign} {bound}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Ahead:
    """Being better than another row in each of some measures, or as good where nothing is better than that.

    Attributes:
        of: the other row.
        measures: names of the catalogue; those that either has not are not counted.
        called: what they are called together, where they are many.
    """

    of: str
    measures: tuple[str, ...]
    called: str = ""

    def judge(self, measured: Measures, others: Mapping[str, Measures]) -> Verdict:
        """The answer; `missed` tells where the network is not ahead, and by how much."""
        goal = f"ahead of {self.of} in {self.called or ', '.join(catalogue.title(m) for m in self.measures)}"
        other = others.get(self.of, {})
        shared = [m for m in self.measures if m in measured and m in other]
        if not shared:
            return Verdict(goal=goal, measured=catalogue.MISSING, met=None, missed="")
        behind = [m for m in shared if not catalogue.ahead(m, measured[m], other[m])]
        return Verdict(
            goal=goal,
            measured=f"in {len(shared) - len(behind)} of {len(shared)}",
            met=not behind,
            missed=", ".join(
                f"{catalogue.title(m)} by {catalogue.written(m, abs(measured[m] - other[m]))}" for m in behind
            ),
        )


def sized(measure: str, *sizes: float) -> tuple[str, ...]:
    """The names of a measure at each size of the events."""
    return tuple(f"{measure}{catalogue.AT}{size:g}" for size in sizes)
