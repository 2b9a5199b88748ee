"""The measurements: rates in alternating rounds, latency at 60 % of them, and the same with more and more devices."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

import numpy as np

from aiot_anomaly.bundle import Bundle
from benchmarks.stream import stored
from benchmarks.stream.fleet import Fleet
from benchmarks.stream.machine import machine
from benchmarks.stream.pace import Paced, paced
from benchmarks.stream.results import BARE, FIRESTORE, SKELETON, SQLITE, Latency, Rate, Results, Size, Step
from benchmarks.stream.sizes import Sizes
from benchmarks.stream.system import PROFILE, Done, Function, System

#: of the sustained rate
SHARE = 0.6
_SOURCES = {BARE: "bare", SKELETON: "skeleton", SQLITE: "ours", FIRESTORE: "ours"}

Say = Callable[[str], None]


def measure(system: System, sizes: Sizes, say: Say) -> Results:
    """Everything."""
    where = machine(system.pubsub)
    names = [name for name in _SOURCES if name != FIRESTORE or system.firestore]
    with _functions(system, {name: (_SOURCES[name], name == FIRESTORE) for name in names}) as functions:
        fleet = _primed(system.bundle, functions, sizes, say)
        single = _rates(functions, fleet, sizes.rounds, sizes.single, 1, say)
        fifty = _rates({n: f for n, f in functions.items() if n != BARE}, fleet, sizes.rounds, sizes.fifty, 50, say)
        latencies, steps = {}, {}
        for name, function in functions.items():
            if name != BARE:
                say(f"latency of {name} at {SHARE:.0%} of its rate".replace("%", " %"))
                rate = SHARE * single[name].messages_per_s
                seen = [_paced(function, fleet, rate, sizes.paced_s)]
                latencies[name], steps[name] = _latency(seen, rate), _steps(_all(seen))
    grown = _growth(system, sizes, SHARE * single[SQLITE].messages_per_s, say)
    del steps[SKELETON]
    return Results(machine=where, single=single, fifty=fifty, latencies=latencies, steps=steps, grown=grown)


@contextlib.contextmanager
def _functions(system: System, contenders: Mapping[str, tuple[str, bool]]) -> Iterator[dict[str, Function]]:
    with contextlib.ExitStack() as stopping:
        functions = {}
        for i, (name, (source, in_firestore)) in enumerate(contenders.items()):
            project = f"{source}-{i}-{'firestore' if in_firestore else 'sqlite'}-{len(contenders)}"
            functions[name] = Function(system, project, source, "firestore:aiot" if in_firestore else "")
            stopping.callback(functions[name].stop)
        for function in functions.values():
            function.start()
        yield functions


def _primed(bundle: Bundle, functions: Mapping[str, Function], sizes: Sizes, say: Say) -> Fleet:
    """A fleet whose devices all have a full window: each function took in their history."""
    fleet = Fleet(bundle, sizes.devices)
    history = fleet.history(range(sizes.devices))
    for name, function in functions.items():
        say(f"{sizes.devices} devices begin at {name}")
        function.drain(history)
    return fleet


def _rates(
    functions: Mapping[str, Function], fleet: Fleet, rounds: int, number: int, readings: int, say: Say
) -> dict[str, Rate]:
    found: dict[str, list[Done]] = {name: [] for name in functions}
    for turn in range(rounds):
        # the same messages for all, and each of them first in turn
        messages = fleet.messages(number, readings)
        names = list(functions)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name].append(functions[name].drain(messages))
            say(f"round {turn + 1} of {rounds}: {name}, {found[name][-1].rate:,.0f} messages/s of {readings} readings")
    return {name: _rate(runs, readings) for name, runs in found.items()}


def _rate(runs: Sequence[Done], readings: int) -> Rate:
    rates = [run.rate for run in runs]
    cpu = [1e3 * run.cpu_s / run.acknowledged for run in runs]
    return Rate(
        messages_per_s=median(rates),
        readings=readings,
        rounds=rates,
        cpu_ms=median(cpu),
        refused=sum(run.refused for run in runs),
    )


def _latency(seen: Sequence[Paced], rate: float) -> Latency:
    """Of all rounds together."""
    p50, p95, p99 = (1.0 * q for q in np.quantile([x for s in seen for x in s.latencies_ms], (0.5, 0.95, 0.99)))
    return Latency(
        rate=rate,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        behind_ms=max(s.behind_ms for s in seen),
        p50_rounds_ms=[float(np.median(s.latencies_ms)) for s in seen],
    )


def _paced(function: Function, fleet: Fleet, rate: float, seconds: float) -> Paced:
    return paced(function, PROFILE, fleet.messages(max(10, round(rate * seconds)), 1), rate)


def _all(seen: Sequence[Paced]) -> Done:
    together = Done()
    for one in seen:
        together.join(one.done)
    return together


def _steps(done: Done) -> list[Step]:
    """The steps in the order in which they were found; what lies between them is `rest`."""
    number = max(1, done.acknowledged)
    total = done.steps.get("total", (0.0, 0.0))
    own = {name: spent for name, spent in done.steps.items() if name != "total"}
    own["rest"] = total[0] - sum(w for w, _ in own.values()), total[1] - sum(c for _, c in own.values())
    per = 1e3 / number
    return [Step(name=name, wall_ms=per * wall, cpu_ms=per * cpu) for name, (wall, cpu) in own.items()]


def _growth(system: System, sizes: Sizes, rate: float, say: Say) -> list[Size]:
    names = {f"{size:,} devices": size for size in sizes.stored}
    with _functions(system, dict.fromkeys(names, ("ours", False))) as functions:
        fleets = {}
        for name, function in functions.items():
            say(f"storing {name}")
            function.drain(Fleet(system.bundle, 1).history(range(min(10, names[name]))))
            stored.multiply(function.store, profile=PROFILE, first=min(10, names[name]), devices=names[name])
            fleets[name] = Fleet(system.bundle, names[name], lanes=sizes.stored[0])
        found: dict[str, list[Done]] = {name: [] for name in functions}
        for turn in range(sizes.rounds):
            order = list(functions)
            for name in order[turn % len(order) :] + order[: turn % len(order)]:
                found[name].append(functions[name].drain(fleets[name].messages(sizes.grown, 1)))
                say(f"round {turn + 1} of {sizes.rounds}: {name} stored, {found[name][-1].rate:,.0f} messages/s")
        seen: dict[str, list[Paced]] = {name: [] for name in functions}
        for turn in range(sizes.rounds):
            for name, function in functions.items():
                say(f"round {turn + 1} of {sizes.rounds}: latency with {name} stored")
                seen[name].append(_paced(function, fleets[name], rate, sizes.paced_s / sizes.rounds))
        return [
            Size(
                devices=size,
                rate=_rate(found[name], 1),
                latency=_latency(seen[name], rate),
                steps=_steps(_all(seen[name])),
            )
            for name, size in names.items()
        ]
