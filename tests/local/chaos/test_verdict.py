"""Whatever differs between the two runs is told, and by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from functions.store import Totals
from local.chaos import disruptions, verdict
from local.chaos.poison import poison
from local.chaos.traffic import Message, Traffic
from local.chaos.trial import Ran
from local.chaos.witness import Witness

POISON = [poison(i, "d-1", "tiny") for i in range(3)]
ROWS = 10


def traffic() -> Traffic:
    messages = [Message("d-1", b"", {}, 1)] * ROWS + [Message("d-1", p.data, dict(p.attributes), 0) for p in POISON]
    return Traffic(tuple(messages), {p.data: [p] for p in POISON}, 1, ROWS, 0, 0)


def delivered(name: str, data: bytes, **attributes: str) -> SimpleNamespace:
    return SimpleNamespace(message_id=name, data=data, attributes=attributes, ack=lambda: None)


def decision(i: int, **changed: object) -> bytes:
    document = {
        "id": f"tiny/d-1/{i}",
        "device_id": "d-1",
        "window_end": i,
        "score": 0.5,
        "decided_at": i,
        "incident": None,
    }
    return json.dumps({**document, **changed}).encode()


def ran() -> Ran:
    seen = Witness()
    for i in range(4):
        seen.take_decision(delivered(f"m-{i}", decision(i)))
    seen.take_decision(delivered("n-1", decision(9), notice="gap"))
    for i, p in enumerate(POISON):
        seen.take_parked(delivered(f"p-{i}", p.data, code=p.code, message_id=f"source-{i}"))
    outcomes = {"decided": 4, "warming_up": 6, "duplicate": 0, "late": 0, "gap": 0}
    return Ran(seen, Totals(outcomes, 0, {"malformed_message": 3}, 1), (1, 1), 1.0)  # type: ignore[arg-type]


def test_two_runs_that_are_alike_hold() -> None:
    found = verdict.compare(traffic(), disruptions.plan(6, 0), ran(), ran())
    assert found.holds
    assert set(found.faults.values()) == {0}
    assert (found.kills, found.outages, found.decisions, found.notices) == (5, 3, 4, 1)


def test_the_last_bits_of_a_score_may_differ() -> None:
    other = ran()
    other.witness.decisions.contents["tiny/d-1/2"]["score"] = 0.500001
    found = verdict.compare(traffic(), (), ran(), other)
    assert found.holds
    assert found.score_apart == pytest.approx(2e-6, rel=0.01)


def test_what_is_published_again_alike_is_no_fault_and_what_pubsub_delivers_again_does_not_count() -> None:
    again = ran()
    again.witness.take_decision(delivered("m-0", decision(0)))
    again.witness.take_decision(delivered("m-9", decision(0, decided_at=99)))
    again.witness.take_parked(delivered("p-9", POISON[0].data, code=POISON[0].code, message_id="source-0"))
    found = verdict.compare(traffic(), (), ran(), again)
    assert found.holds
    assert found.republished == 1


def _lost(run: Ran) -> Ran:
    del run.witness.decisions.contents["tiny/d-1/2"]
    return run


def _more(run: Ran) -> Ran:
    run.witness.take_decision(delivered("m-8", decision(8)))
    return run


def _rescored(run: Ran) -> Ran:
    run.witness.decisions.contents["tiny/d-1/2"]["score"] = 0.50001
    return run


def _changed(run: Ran) -> Ran:
    run.witness.decisions.contents["tiny/d-1/2"]["incident"] = {"id": "other"}
    return run


def _doubled(run: Ran) -> Ran:
    run.witness.take_decision(delivered("m-8", decision(8, window_end=2)))
    return run


def _contradicting(run: Ran) -> Ran:
    run.witness.take_decision(delivered("m-8", decision(2, score=0.6)))
    return run


def _unnoticed(run: Ran) -> Ran:
    run.witness.notices.contents.clear()
    return run


def _not_parked(run: Ran) -> Ran:
    del run.witness.parked["source-1"]
    return run


def _parked_spoilt(run: Ran) -> Ran:
    run.witness.take_parked(delivered("p-8", b"cut o", code=POISON[0].code, message_id="source-8"))
    return run


def _counted(**changed: int) -> Callable[[Ran], Ran]:
    return lambda run: replace(run, totals=replace(run.totals, outcomes={**run.totals.outcomes, **changed}))


def _dead(run: Ran) -> Ran:
    run.witness.take_dead(delivered("x", b""))
    return run


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_lost, "decisions lost"),
        (_more, "decisions that should not be"),
        (_rescored, "decisions with another score"),
        (_changed, "decisions that differ otherwise"),
        (_doubled, "decisions doubled (two of one window)"),
        (_contradicting, "published again with another content"),
        (_unnoticed, "notices lost, changed or that should not be"),
        (_not_parked, "poison not on the parked topic"),
        (_parked_spoilt, "parked that should not be"),
        (_counted(decided=5), "published rows without an outcome, or with two"),
        (_counted(decided=5, warming_up=5), "readings with another outcome"),
        (lambda run: replace(run, totals=replace(run.totals, pending=1)), "readings still waiting"),
        (lambda run: replace(run, totals=replace(run.totals, parked={})), "poison counted wrongly"),
        (_dead, "dead letters"),
    ],
)
def test_what_differs_is_named(change: Callable[[Ran], Ran], fault: str) -> None:
    found = verdict.compare(traffic(), (), ran(), change(ran()))
    assert not found.holds
    assert found.faults[fault] > 0
    assert found.document()["holds"] is False


@pytest.mark.parametrize("change", [_dead, _not_parked, _counted(decided=5)])
def test_a_run_without_disruptions_that_is_wrong_itself_proves_nothing(change: Callable[[Ran], Ran]) -> None:
    found = verdict.compare(traffic(), (), change(ran()), ran())
    assert found.faults["faults of the run without disruptions"] > 0
