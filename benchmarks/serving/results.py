"""What `reports/serving.json` says."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.serving.errors import BenchmarkError


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(_Document):
    """One kind of load on one server: medians of the rounds.

    Attributes:
        rate: requests answered with 200 a second.
        windows_s: windows in them a second.
        p50_ms, p99_ms, p999_ms: latency of those requests; None where none was answered.
        requests: in all rounds.
        rates: of each round.
        failed: requests with neither 200 nor 503, by status; 0 hung up on, -1 not answered.
    """

    rate: float
    windows_s: float
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    requests: int
    rates: list[float]
    failed: dict[int, int]


class Overload(_Document):
    """What became of more than the server can do.

    Attributes:
        times: the saturation's rate.
        offered: requests a second.
        accepted: of them, answered with 200 a second.
        turned_away: share of the requests that were never sent, as the server owed an answer on each connection.
        refused: share of the requests that were answered with 503.
        retry_after: share of the 503 that said when to come back.
        p50_ms, p99_ms: latency of the accepted; None where none was.
        halves_p99_ms: the same of the first and the second half of the time.
        failed: as in `Load`.
    """

    times: float
    offered: float
    accepted: float
    turned_away: float
    refused: float
    retry_after: float | None
    p50_ms: float | None
    p99_ms: float | None
    halves_p99_ms: tuple[float | None, float | None]
    failed: dict[int, int]


class ServerResult(_Document):
    """One server with one model.

    Attributes:
        name, title: of the contender.
        score_error: largest relative difference of its scores from the golden ones.
        ready_s: from the start of its process; the median where it was started several times.
        memory_mib: the peak of all its processes together (proportional set size).
        closed: closed loop, by the number of connections.
        at_60: constant arrivals at 60 % of the most that it answered in any closed loop.
        batch: closed loop of requests with 256 windows, two connections.
        overload: constant arrivals at multiples of the most that it answered.
        ahead: the API's rate by this server's in the same round, the median, by the number of connections.
        p99_ahead: this server's p99 by the API's likewise.
    """

    name: str
    title: str
    score_error: float
    ready_s: float
    memory_mib: float
    closed: dict[int, Load]
    at_60: Load | None = None
    batch: Load | None = None
    overload: list[Overload] = []
    ahead: dict[int, float] = {}
    p99_ahead: dict[int, float] = {}

    @property
    def saturation(self) -> float:
        """The most requests a second that it answered."""
        return max(load.rate for load in self.closed.values())


class KernelResult(_Document):
    """The bare kernel: medians of the rounds.

    Attributes:
        single_windows_s: one window a run.
        single_p50_ms: of one window.
        batch_windows_s: 256 windows a run.
        batch_share: the API's windows a second, in batches of 256, by the kernel's in the same round, the median.
        json_share: likewise of the kernel that reads its windows and writes its answers by orjson, and nothing else.
    """

    single_windows_s: float
    single_p50_ms: float
    batch_windows_s: float
    batch_share: float
    json_share: float


class ModelResult(_Document):
    """All servers of one model; the API comes first."""

    name: str
    title: str
    steps: int
    inputs: int
    kernel: KernelResult
    servers: list[ServerResult]

    @property
    def api(self) -> ServerResult:
        """This repository's."""
        return self.servers[0]

    def server(self, name: str) -> ServerResult | None:
        """The server of that name, if it was measured."""
        return next((s for s in self.servers if s.name == name), None)


class Generator(_Document):
    """The load generator's own limit, against a server that does nothing.

    Attributes:
        rate: requests a second over 16 connections.
        p99_ms: of them.
        timed_p99_ms: of 1,000 requests a second, from when they were due: what of a latency is the generator's.
    """

    rate: float
    p99_ms: float
    timed_p99_ms: float


class Results(_Document):
    """One run of the benchmark."""

    measured_at: str
    commit: str
    processor: str
    versions: dict[str, str]
    seconds: float
    rounds: int
    generator: Generator
    models: list[ModelResult]

    def model(self, name: str) -> ModelResult | None:
        """The model of that name, if it was measured."""
        return next((m for m in self.models if m.name == name), None)


def read(path: Path) -> Results:
    """The results of the last run.

    Raises:
        BenchmarkError: there are none, or of another release.
    """
    try:
        return Results.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BenchmarkError(f"no {path}: measure first, with make bench-serving") from None
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        where = ".".join(str(p) for p in fault["loc"])
        raise BenchmarkError(f"{path} is of another release: {where}: {fault['msg']}; measure anew") from None
