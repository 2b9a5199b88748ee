"""One run of the benchmark: what is measured, in which order.

Each peer is measured in turn with the API, load by load, in several rounds; who comes first changes with the round.
What else the machine does then slows both, and the median of the rounds' ratios leaves out the round in which it slowed
one. Whoever is not measured is stopped meanwhile, so that it takes nothing of the core that both use.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.serving import kernel, load
from benchmarks.serving.contenders import Api, Contender
from benchmarks.serving.cores import Cores, on
from benchmarks.serving.errors import BenchmarkError
from benchmarks.serving.results import KernelResult, Load, ModelResult, Overload, ServerResult
from benchmarks.serving.runs import OK, OVERLOADED, TURNED_AWAY, Run, quantile_ms
from benchmarks.serving.server import Server, running
from benchmarks.serving.subjects import Subject

BATCH, BATCH_CONNECTIONS = 256, 2
#: the share of saturation at which latency is measured, and the multiples of it that are too much
SHARE, TOO_MUCH = 0.6, (2.0, 5.0)
_OPEN_CONNECTIONS, _OVERLOAD_CONNECTIONS = 128, 512
_STARTS = 3
_WARM_UP_S = 0.25
#: within which all connections of a constant rate are accepted
_ACCEPT_S = 0.5

#: told what is done next
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long everything takes.

    Attributes:
        seconds: of one measurement.
        rounds: of each.
        cores: where generator and servers run.
        logs: where the servers' outputs go.
    """

    seconds: float
    rounds: int
    cores: Cores
    logs: Path


@dataclass
class _Measured:
    """What was seen of one server with one model."""

    server: Server
    subject: Subject
    score_error: float
    ready_s: float
    closed: dict[int, list[Run]] = field(default_factory=lambda: defaultdict(list))
    at_60: list[Run] = field(default_factory=list)
    batch: list[Run] = field(default_factory=list)
    overload: list[Overload] = field(default_factory=list)
    ahead: dict[int, float] = field(default_factory=dict)
    p99_ahead: dict[int, float] = field(default_factory=dict)

    @property
    def saturation(self) -> float:
        return max(median(r.rate for r in runs) for runs in self.closed.values())

    def result(self) -> ServerResult:
        return ServerResult(
            name=self.server.contender.name,
            title=self.server.contender.title,
            score_error=self.score_error,
            ready_s=self.ready_s,
            memory_mib=self.server.peak_mib,
            closed={connections: _load(runs) for connections, runs in self.closed.items()},
            at_60=_load(self.at_60) if self.at_60 else None,
            batch=_load(self.batch, windows=BATCH) if self.batch else None,
            overload=self.overload,
            ahead=self.ahead,
            p99_ahead=self.p99_ahead,
        )


def steps(subjects: Mapping[Subject, Sequence[Contender]], plan: Plan) -> int:
    """How often `measured` tells what it does, for a progress bar."""
    return sum(
        sum(1 + plan.rounds * len(peer.connections) + 1 for peer in peers) + 2 + plan.rounds + len(TOO_MUCH)
        for peers in subjects.values()
    )


def compile_modules(contenders: Sequence[Contender], subject: Subject, plan: Plan, tell: Tell) -> None:
    """Starts each once, so that no start which is timed has to compile what an image has compiled."""
    for contender in contenders:
        tell(f"{contender.title}: its modules")
        with running(contender, subject, plan.cores.server, plan.logs):
            pass


def ready_s(api: Api, subject: Subject, plan: Plan) -> list[float]:
    """Seconds from the start of the API's process until it was ready, of several starts."""
    found = []
    for _ in range(_STARTS):
        with running(api, subject, plan.cores.server, plan.logs) as server:
            found.append(server.ready_s)
    return found


def measured(api: Api, subject: Subject, peers: Iterable[Contender], plan: Plan, tell: Tell) -> ModelResult:
    """One model behind the API and its peers."""
    tell(f"{subject.name}: start of the API")
    starts = ready_s(api, subject, plan)
    with on(plan.cores.generator), running(api, subject, plan.cores.server, plan.logs) as server:
        own = _Measured(server, subject, server.check(subject), median([*starts, server.ready_s]))
        others = []
        for peer in peers:
            tell(f"{subject.name}: start of {peer.title}")
            server.pause()
            with running(peer, subject, plan.cores.server, plan.logs) as other:
                one = _Measured(other, subject, other.check(subject), other.ready_s)
                other.look()
                _duel(own, one, plan, tell)
                server.pause()
                other.resume()
                tell(f"{subject.name}: {peer.title} at {SHARE:.0%}")
                one.at_60 = _at_share(one, plan, plan.seconds)
                other.look()
                others.append(one.result())
        server.resume()
        if not others:
            # with a peer it was measured round by round beside it
            for connections in api.connections:
                own.closed[connections].append(_closed(own, connections, plan.seconds))
        server.look()
        tell(f"{subject.name}: the API at {SHARE:.0%}")
        own.at_60 = _at_share(own, plan, 2 * plan.seconds)
        limit = _against_kernel(own, plan, tell)
        for times in TOO_MUCH:
            tell(f"{subject.name}: {times:g} times what the API can do")
            own.overload.append(_overload(own, times, plan))
        server.look()
        first = own.result()
    profile = subject.bundle.profile
    return ModelResult(
        name=subject.name,
        title=profile.title,
        steps=profile.window.steps,
        inputs=len(profile.input_names),
        kernel=limit,
        servers=[first, *others],
    )


def _duel(own: _Measured, other: _Measured, plan: Plan, tell: Tell) -> None:
    rates: dict[int, list[float]] = defaultdict(list)
    tails: dict[int, list[float]] = defaultdict(list)
    for number in range(plan.rounds):
        for connections in other.server.contender.connections:
            title = other.server.contender.title
            tell(f"{own.subject.name}: {title}, {connections} connections, round {number + 1}")
            runs = {}
            for one, another in ((own, other), (other, own))[:: 1 if number % 2 == 0 else -1]:
                another.server.pause()
                one.server.resume()
                runs[one.server] = run = _closed(one, connections, plan.seconds)
                one.closed[connections].append(run)
            rates[connections].append(runs[own.server].rate / runs[other.server].rate)
            ours, theirs = (quantile_ms(runs[s].latencies, 0.99) for s in (own.server, other.server))
            tails[connections].append(theirs / ours)
        own.server.look()
        other.server.look()
    other.ahead = {connections: median(found) for connections, found in rates.items()}
    other.p99_ahead = {connections: median(found) for connections, found in tails.items()}


def _closed(one: _Measured, connections: int, seconds: float) -> Run:
    requests = [one.server.request(one.subject, i) for i in range(len(one.subject.scores))]
    return _warm(one, requests, connections, seconds)


def _warm(one: _Measured, requests: Sequence[bytes], connections: int, seconds: float) -> Run:
    load.closed(one.server.address, requests, connections=connections, seconds=_WARM_UP_S)
    run = load.closed(
        one.server.address, requests, connections=connections, seconds=seconds, least=max(10, 2 * connections)
    )
    if not len(run.latencies):
        raise BenchmarkError(
            f"{one.server.contender.title} answered none of the requests with 200 but {dict(run.statuses)}"
        )
    return run


def _at_share(one: _Measured, plan: Plan, seconds: float) -> list[Run]:
    requests = [one.server.request(one.subject, i) for i in range(len(one.subject.scores))]
    most = max(one.closed, key=lambda connections: median(r.rate for r in one.closed[connections]))
    found = []
    for _ in range(plan.rounds):
        # what the server can do at this moment: a shared machine is slower at one time than at another
        rate = SHARE * _warm(one, requests, most, seconds / 2).rate
        found.append(
            load.constant(
                one.server.address,
                requests,
                rate=rate,
                seconds=max(seconds, 20 / rate),
                connections=_OPEN_CONNECTIONS,
                warm_up_s=_ACCEPT_S,
            )
        )
    return found


def _against_kernel(own: _Measured, plan: Plan, tell: Tell) -> KernelResult:
    windows = len(own.subject.scores)
    requests = [own.server.request(own.subject, *((i + k) % windows for k in range(BATCH))) for i in range(4)]
    folder = own.subject.folder / "bundle"
    single, batches, shares, limits = [], [], [], []
    for number in range(plan.rounds):
        tell(f"{own.subject.name}: {BATCH} windows a request, and the kernel, round {number + 1}")
        run = _warm(own, requests, BATCH_CONNECTIONS, plan.seconds)
        own.batch.append(run)
        own.server.look()
        own.server.pause()
        one, many = (
            kernel.measured(folder, batch=n, seconds=plan.seconds / 2, core=plan.cores.server) for n in (1, BATCH)
        )
        json = kernel.measured(folder, batch=BATCH, seconds=plan.seconds / 2, core=plan.cores.server, json=True)
        own.server.resume()
        single.append(one)
        limits.append(json.windows_s / many.windows_s)
        batches.append(many.windows_s)
        shares.append(BATCH * run.rate / many.windows_s)
    return KernelResult(
        single_windows_s=median(k.windows_s for k in single),
        single_p50_ms=median(k.p50_ms for k in single),
        batch_windows_s=median(batches),
        batch_share=median(shares),
        json_share=median(limits),
    )


def _overload(own: _Measured, times: float, plan: Plan) -> Overload:
    requests = [own.server.request(own.subject, i) for i in range(len(own.subject.scores))]
    offered = times * own.saturation
    run = load.constant(
        own.server.address,
        requests,
        rate=offered,
        seconds=2 * plan.seconds,
        connections=_OVERLOAD_CONNECTIONS,
        warm_up_s=_ACCEPT_S,
        patient=False,
    )
    own.server.look()
    refused, sent = run.statuses[OVERLOADED], sum(run.statuses.values())
    half = len(run.latencies) // 2
    return Overload(
        times=times,
        offered=offered,
        accepted=run.rate,
        turned_away=run.statuses[TURNED_AWAY] / sent,
        refused=refused / sent,
        retry_after=run.retry_after / refused if refused else None,
        p50_ms=_known(quantile_ms(run.latencies, 0.5)),
        p99_ms=_known(quantile_ms(run.latencies, 0.99)),
        halves_p99_ms=(
            _known(quantile_ms(run.latencies[:half], 0.99)),
            _known(quantile_ms(run.latencies[half:], 0.99)),
        ),
        failed=run.failed,
    )


def _load(runs: Sequence[Run], windows: int = 1) -> Load:
    rate = median(r.rate for r in runs)
    p50, p99, p999 = (_known(median(quantile_ms(r.latencies, q) for r in runs)) for q in (0.5, 0.99, 0.999))
    failed: Counter[int] = Counter()
    for run in runs:
        failed.update({s: n for s, n in run.statuses.items() if s != OK})
    return Load(
        rate=rate,
        windows_s=windows * rate,
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        requests=sum(len(r.latencies) for r in runs),
        rates=[r.rate for r in runs],
        failed=dict(failed),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
