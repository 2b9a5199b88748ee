"""What the API is to reach, and whether it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from benchmarks.goal import Goal
from benchmarks.serving.results import ModelResult, Overload, Results, ServerResult

P99_MS = 10.0
#: the API's rate by a bare route's, over so many connections
BARE = {1: 0.9, 16: 1.0}
KERNEL_SHARE = 0.65
#: the API's rate by a peer's, over 16 connections
AHEAD = {"keras": 30.0, "saved-model": 1.0, "mlflow": 10.0, "mlflow-onnx": 10.0, "litserve": 2.0, "bentoml": 2.0}
MEMORY_MB, READY_S = 250.0, 1.0
#: latency of the accepted is flat: the second half's p99 by the first's, and that of the most load by that of less
FLAT = 1.5
_COMPARED = 16


def goals(results: Results) -> list[Goal]:
    """All that can be told from these results."""
    found = [goal for model in results.models for goal in _of_model(model)]
    if results.models:
        api = results.models[0].api
        memory = api.memory_mib * 2**20 / 1e6
        found.append(
            Goal("memory with three bundles", f"≤ {MEMORY_MB:.0f} MB", f"{memory:.0f} MB", memory <= MEMORY_MB)
        )
        ready = api.ready_s
        found.append(Goal("start until ready", f"≤ {READY_S:.1f} s", f"{ready:.2f} s", ready <= READY_S))
    return found


def _of_model(model: ModelResult) -> Iterator[Goal]:
    name, api = model.name, model.api
    if api.at_60 is not None and api.at_60.p99_ms is not None:
        p99 = api.at_60.p99_ms
        yield Goal(f"{name}: p99 at 60 % of saturation", f"≤ {P99_MS:.0f} ms", f"{p99:.1f} ms", p99 <= P99_MS)
    bare = model.server("bare")
    if bare is not None:
        for connections, least in BARE.items():
            what = f"{name}: rate beside the bare route, {connections} connection{'s' * (connections > 1)}"
            ratio = bare.ahead[connections]
            yield Goal(what, f"≥ {least:.0%}", f"{ratio:.0%}", ratio >= least)
    share, limit = model.kernel.batch_share, model.kernel.json_share
    what = f"{name}: batches of 256 beside the kernel"
    found = f"{share:.0%}; {limit:.0%} if orjson read and wrote, and nothing else was done"
    yield Goal(what, f"≥ {KERNEL_SHARE:.0%}", found, share >= KERNEL_SHARE)
    for server in model.servers:
        if server.name in AHEAD:
            yield from _ahead(name, server)
    yield from _overload(name, api)
    loads = [*api.closed.values(), *(load for load in (api.at_60, api.batch) if load is not None)]
    failed = Counter[int]()
    for load in loads:
        failed.update(load.failed)
    told = ", ".join(f"{n:,} × {status}" for status, n in sorted(failed.items())) or "none"
    yield Goal(f"{name}: requests not answered with 200, overload aside", "none", told, not failed)


def _ahead(name: str, server: ServerResult) -> Iterator[Goal]:
    least, ratio = AHEAD[server.name], server.ahead[_COMPARED]
    yield Goal(f"{name}: rate beside {server.title}", f"≥ {least:g} ×", f"{ratio:.1f} ×", ratio >= least)
    tail = server.p99_ahead[_COMPARED]
    yield Goal(f"{name}: p99 of {server.title} by ours", "> 1 ×", f"{tail:.1f} ×", tail > 1)


def _overload(name: str, api: ServerResult) -> Iterator[Goal]:
    if not api.overload:
        return
    most = api.overload[-1]
    wanted = f"p99 grows by ≤ {FLAT:g} × with time and load, each other request has its 503"
    yield Goal(
        f"{name}: {most.times:g} times the load", wanted, _told(most, api.overload[0]), _flat(most, api.overload[0])
    )


def _flat(most: Overload, less: Overload) -> bool:
    first, second = most.halves_p99_ms
    if most.p99_ms is None or less.p99_ms is None or first is None or second is None:
        return False
    answered = not most.failed and (most.retry_after is None or most.retry_after == 1)
    return answered and second <= FLAT * first and most.p99_ms <= FLAT * less.p99_ms


def _told(most: Overload, less: Overload) -> str:
    first, second = ("–" if p is None else f"{p:.0f}" for p in most.halves_p99_ms)
    before = "–" if less.p99_ms is None else f"{less.p99_ms:.0f}"
    failed = sum(most.failed.values())
    return f"p99 {first} ms, then {second} ms; at {less.times:g} times {before} ms; {most.refused:.0%} refused" + (
        f"; {failed:,} neither" if failed else ""
    )
