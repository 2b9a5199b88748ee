"""Prometheus metrics, of one app: many apps may live in a process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiot_anomaly.series import Float
from serving.histograms import Histograms
from serving.score_collector import ScoreCollector

_ACCESS = logging.getLogger("serving.access")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WINDOWS = (1, 2, 4, 8, 16, 32, 64)
#: why a request is refused under load: the queue is full, or its time is over
REASONS = ("queue", "deadline")


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        r = self._registry
        self._requests = Counter("aiot_requests", "Requests by route and status.", ["route", "status"], registry=r)
        self._seconds = Histograms(
            "aiot_request_seconds", "From the request's first byte to the answer's last.", "route", _SECONDS
        )
        self._scores = ScoreCollector()
        self._batches = Histograms(
            "aiot_batch_windows", "Windows that went through the graph together.", "model", _WINDOWS
        )
        self._waits = Histograms("aiot_queue_seconds", "For how long a batch's first window waited.", "model", _SECONDS)
        for collector in (self._seconds, self._scores, self._batches, self._waits):
            r.register(collector)
        self._queue = Gauge("aiot_queue_windows", "Windows that wait.", ["model"], registry=r)
        self._refused = Counter("aiot_refused", "Requests refused under load.", ["model", "reason"], registry=r)
        self._models = Gauge("aiot_model_info", "1 for each model that is served.", ["model", "version"], registry=r)

        # what is counted at each request, so that its labels need not be looked up
        self._of_route: dict[tuple[str, int], Counter] = {}

    def served(self, model: str, version: str) -> None:
        """A model is loaded."""
        self._models.labels(model, version).set(1)
        # so that a model that was never asked shows a zero
        self._scores.add(model, [])
        self._batches.add(model, [])
        self._waits.add(model, [])
        for reason in REASONS:
            self._refused.labels(model, reason)

    def scored(self, model: str, scores: Float) -> None:
        """Windows were scored."""
        self._scores.add(model, scores.tolist())

    def batched(self, model: str, windows: int, wait_s: float) -> None:
        """A batch was started; its first window had waited so long."""
        self._batches.add(model, [windows])
        self._waits.add(model, [wait_s])

    def refused(self, model: str, reason: str) -> None:
        """A request was refused as there was too much to do."""
        self._refused.labels(model, reason).inc()

    def watch_queue(self, model: str, length: Callable[[], float]) -> None:
        """Shows, whenever it is asked for, how many windows wait."""
        self._queue.labels(model).set_function(length)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        requests = self._of_route.get((route, status))
        if requests is None:
            requests = self._of_route[route, status] = self._requests.labels(route, str(status))
        requests.inc()
        self._seconds.add(route, [seconds])

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return bytes(generate_latest(self._registry))


class Journal:
    """Where every answer is counted and timed, and logged if asked to."""

    def __init__(self, metrics: Metrics, access_log: bool = False) -> None:
        self._metrics = metrics
        self._access_log = access_log

    def answered(self, scope: Scope, route: str, status: int, start: float) -> None:
        """A request to a route was answered that had come at `start`, of `time.perf_counter`."""
        seconds = time.perf_counter() - start
        self._metrics.answered(route, status, seconds)
        if self._access_log:
            line = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds}
            _ACCESS.info("request", extra={"fields": line})


class Measured:
    """ASGI middleware: writes every answer into the journal."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and watches the answer's status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # the route's pattern, never the path: a label for each guessed address would fill the memory
            route = str(getattr(scope.get("route"), "path_format", "other"))
            self._journal.answered(scope, route, status, start)
