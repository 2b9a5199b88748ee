"""Whether a run with disruptions led to what a run without them led to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from functions.store import Totals
from local.chaos.disruptions import Disruption
from local.chaos.likeness import alike, difference
from local.chaos.traffic import Traffic
from local.chaos.trial import Ran
from local.chaos.witness import Parked

#: ids that a report names, of each fault
_EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """The figures of a trial. Every one of `faults` is to be 0.

    Attributes:
        sent: what was published, as numbers.
        disruptions: how many of each kind.
        kills: processes killed.
        outages: times that the store was unreachable.
        restarts: times that function and API were started again.
        decisions: how many there were without disruptions.
        incidents: how many of them the decisions tell of.
        notices: of gaps and silence.
        calibrated: devices that got a calibration of their own on the way.
        republished: messages on the decisions' topic beyond one for each decision and notice.
        outcomes: readings by outcome, with disruptions.
        score_apart: the largest relative difference of a decision's scores.
        seconds: without and with disruptions.
        faults: what is to be 0, by name.
        examples: some ids of each fault.
    """

    sent: Mapping[str, int]
    disruptions: Mapping[str, int]
    kills: int
    outages: int
    restarts: int
    decisions: int
    incidents: int
    notices: int
    calibrated: int
    republished: int
    outcomes: Mapping[str, int]
    score_apart: float
    seconds: tuple[float, float]
    faults: Mapping[str, int]
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Nothing differs."""
        return not any(self.faults.values())

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {"holds": self.holds, **asdict(self)}


def compare(traffic: Traffic, plan: tuple[Disruption, ...], calm: Ran, disrupted: Ran) -> Verdict:
    """Holds the disrupted run against the calm one."""
    expected, found = calm.witness.decisions.contents, disrupted.witness.decisions.contents
    noticed, notices = calm.witness.notices.contents, disrupted.witness.notices.contents
    again = (*calm.witness.told, *disrupted.witness.told)
    both = sorted(expected.keys() & found.keys())
    differing = [f"{n} {difference(expected[n], found[n])}" for n in both if not alike(expected[n], found[n])]
    must, is_ = _poison(traffic), Counter(disrupted.witness.parked.values())
    totals = disrupted.totals
    named: dict[str, list[str]] = {
        "decisions lost": sorted(expected.keys() - found.keys()),
        "decisions that should not be": sorted(found.keys() - expected.keys()),
        "decisions with another score": [t for t in differing if " score: " in t],
        "decisions that differ otherwise": [t for t in differing if " score: " not in t],
        "decisions doubled (two of one window)": list(_doubled(found)),
        "notices lost, changed or that should not be": sorted(
            name for name in noticed.keys() | notices.keys() if not alike(noticed.get(name), notices.get(name))
        ),
        "published again with another content": [t for told in again for t in told.contradictions.values()],
        "poison not on the parked topic": [_said(p) for p in (must - is_).elements()],
        "parked that should not be": [_said(p) for p in (is_ - must).elements()],
    }
    faults = {name: len(found) for name, found in named.items()} | {
        "published rows without an outcome, or with two": abs(traffic.rows - totals.readings),
        "readings still waiting": totals.pending,
        "readings with another outcome": _differences(calm.totals, totals),
        "poison counted wrongly": abs(traffic.spoilt - totals.parked_messages),
        "dead letters": disrupted.witness.dead,
        # the comparison is worth what it is compared with
        "faults of the run without disruptions": (
            abs(traffic.rows - calm.totals.readings)
            + calm.witness.dead
            + (must != Counter(calm.witness.parked.values()))
        ),
    }
    return Verdict(
        sent={
            "devices": traffic.devices,
            "readings": traffic.readings,
            "messages": len(traffic.messages),
            "duplicate messages": traffic.duplicates,
            "messages out of order": traffic.displaced,
            "poison messages": traffic.spoilt,
            "rows": traffic.rows,
        },
        disruptions=dict(Counter(d.kind for d in plan)),
        kills=sum(d.kills for d in plan),
        outages=sum(d.outages for d in plan),
        restarts=sum(disrupted.lives) - len(disrupted.lives),
        decisions=len(expected),
        incidents=len({i["id"] for d in expected.values() if (i := d["incident"])}),
        notices=len(noticed),
        calibrated=len({d["device_id"] for d in expected.values() if d.get("calibration_id")}),
        republished=sum(told.again for told in disrupted.witness.told),
        outcomes={str(name): number for name, number in totals.outcomes.items()},
        score_apart=max((_apart(expected[n]["score"], found[n]["score"]) for n in both), default=0.0),
        seconds=(calm.seconds, disrupted.seconds),
        faults=faults,
        examples={name: found[:_EXAMPLES] for name, found in named.items() if found},
    )


def _poison(traffic: Traffic) -> Counter[Parked]:
    return Counter(Parked(p.data, p.code) for same in traffic.poison.values() for p in same)


def _apart(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other), 1e-12)


def _said(parked: Parked) -> str:
    return f"{parked.code}: {parked.data[:80]!r}"


def _doubled(decisions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Ids beyond the first of the same device and window."""
    known: set[tuple[str, str]] = set()
    for name, decision in decisions.items():
        window = decision["device_id"], decision["window_end"]
        if window in known:
            yield name
        known.add(window)


def _differences(one: Totals, other: Totals) -> int:
    return sum(abs(number - other.outcomes[name]) for name, number in one.outcomes.items())
