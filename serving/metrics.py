"""Prometheus metrics, of one app: many apps may live in a process."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiot_anomaly.messages import Prediction

_ACCESS = logging.getLogger("serving.access")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
#: 1.0 is the threshold
_SCORES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2, 3, 5, 10)


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        r = self._registry
        self._requests = Counter("aiot_requests", "Requests by route and status.", ["route", "status"], registry=r)
        self._seconds = Histogram(
            "aiot_request_seconds", "From the request's first byte to the answer's last.", ["route"], registry=r,
            buckets=_SECONDS,
        )  # fmt: skip
        self._windows = Counter("aiot_windows", "Windows scored.", ["model"], registry=r)
        self._anomalies = Counter("aiot_anomalies", "Windows that were anomalous.", ["model"], registry=r)
        self._scores = Histogram("aiot_score", "Scores; 1.0 is the threshold.", ["model"], registry=r, buckets=_SCORES)
        self._models = Gauge("aiot_model_info", "1 for each model that is served.", ["model", "version"], registry=r)

    def served(self, model: str, version: str) -> None:
        """A model is loaded."""
        self._models.labels(model, version).set(1)
        # so that a model that was never asked shows a zero
        self._windows.labels(model)
        self._anomalies.labels(model)

    def scored(self, model: str, predictions: Iterable[Prediction]) -> None:
        """Windows were scored."""
        scores = self._scores.labels(model)
        windows = anomalies = 0
        for p in predictions:
            scores.observe(p.score)
            windows += 1
            anomalies += p.is_anomaly
        self._windows.labels(model).inc(windows)
        self._anomalies.labels(model).inc(anomalies)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return bytes(generate_latest(self._registry))


class Measured:
    """ASGI middleware: counts and times every request, and logs it if asked to."""

    def __init__(self, app: ASGIApp, metrics: Metrics, access_log: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._access_log = access_log

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
            seconds = time.perf_counter() - start
            # the route's pattern, never the path: a label for each guessed address would fill the memory
            route = getattr(scope.get("route"), "path_format", "other")
            self._metrics.answered(route, status, seconds)
            if self._access_log:
                line = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds}
                _ACCESS.info("request", extra={"fields": line})
