"""Whether a run with disruptions led to what a run without them led to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from functions.store import Totals
from local.chaos.disruptions import Disruption
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
    noticed, notices = calm.witness.notices.contents.items(), disrupted.witness.notices.contents.items()
    again = (*calm.witness.told, *disrupted.witness.told)
    both = expected.keys() & found.keys()
    differing = {n: _difference(n, expected[n], found[n]) for n in sorted(both) if expected[n] != found[n]}
    must, is_ = _poison(traffic), Counter(disrupted.witness.parked.values())
    totals = disrupted.totals
    named: dict[str, list[str]] = {
        "decisions lost": sorted(expected.keys() - found.keys()),
        "decisions that should not be": sorted(found.keys() - expected.keys()),
        "decisions with another score": [t for t in differing.values() if "score:" in t],
        "decisions that differ otherwise": [t for t in differing.values() if "score:" not in t],
        "decisions doubled (two of one window)": list(_doubled(found)),
        "notices lost, changed or that should not be": sorted({name for name, _ in noticed ^ notices}),
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
        incidents=len({i["id"] for d in expected.values() if (i := json.loads(d)["incident"])}),
        notices=len(noticed),
        calibrated=len({d["device_id"] for d in map(json.loads, expected.values()) if d.get("calibration_id")}),
        republished=sum(told.again for told in disrupted.witness.told),
        outcomes={str(name): number for name, number in totals.outcomes.items()},
        seconds=(calm.seconds, disrupted.seconds),
        faults=faults,
        examples={name: found[:_EXAMPLES] for name, found in named.items() if found},
    )


def _poison(traffic: Traffic) -> Counter[Parked]:
    return Counter(Parked(p.data, p.code) for same in traffic.poison.values() for p in same)


def _difference(name: str, one: str, other: str) -> str:
    """The id, and the fields that differ."""
    before, after = json.loads(one), json.loads(other)
    fields = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    return f"{name} {', '.join(f'{k}: {before.get(k)} → {after.get(k)}' for k in fields)}"


def _said(parked: Parked) -> str:
    return f"{parked.code}: {parked.data[:80]!r}"


def _doubled(decisions: Mapping[str, str]) -> Iterator[str]:
    """Ids beyond the first of the same device and window."""
    known: set[tuple[str, str]] = set()
    for name, content in decisions.items():
        document = json.loads(content)
        window = document["device_id"], document["window_end"]
        if window in known:
            yield name
        known.add(window)


def _differences(one: Totals, other: Totals) -> int:
    return sum(abs(number - other.outcomes[name]) for name, number in one.outcomes.items())
