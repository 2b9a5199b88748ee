"""What the routes of one app share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import anyio.to_thread
import numpy as np
from anyio import CapacityLimiter
from starlette.requests import Request

from aiot_anomaly.detector import Detector
from serving.batcher import Batcher
from serving.calibration_cache import CalibrationCache
from serving.catalogue import Catalogue
from serving.instances import Reader
from serving.metrics import Metrics
from serving.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Model:
    """A loaded bundle and what its requests go through."""

    detector: Detector
    reader: Reader
    batcher: Batcher
    metrics: Metrics

    @property
    def name(self) -> str:
        """The profile's."""
        return self.detector.profile.name

    @property
    def version(self) -> str:
        """The bundle's."""
        return self.detector.bundle.version


@dataclass(frozen=True)
class Service:
    """The loaded models and what is kept beside them."""

    catalogue: Catalogue
    settings: Settings
    models: Mapping[str, Model]
    limiter: CapacityLimiter
    metrics: Metrics
    calibrations: CalibrationCache = field(default_factory=CalibrationCache)

    @property
    def most_s(self) -> float:
        """The seconds that a request has at most."""
        return self.settings.request_timeout_ms / 1000

    def model(self, name: str) -> Model:
        """The model of this name.

        Raises:
            ApiError: there is none; the text names those that there are.
        """
        return self.models[self.catalogue.get(name).profile.name]

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Does work in a thread, so that the event loop goes on answering; at most a few at once."""

        def quietly() -> R:
            # a client's calibration may overflow; what comes out is checked for it
            with np.errstate(over="ignore", invalid="ignore"):
                return work(*args, **kwargs)

        return await anyio.to_thread.run_sync(quietly, limiter=self.limiter)


def create(catalogue: Catalogue, settings: Settings) -> Service:
    """Puts together what serves the models of a catalogue."""
    metrics, calibrations = Metrics(), CalibrationCache()
    executor = ThreadPoolExecutor(settings.inference_threads, thread_name_prefix="inference")
    models = {}
    for name, detector in catalogue.detectors.items():
        metrics.served(name, detector.bundle.version)
        batcher = Batcher(detector, executor, metrics, settings.max_queue_ms / 1000)
        models[name] = Model(detector, Reader(detector, calibrations), batcher, metrics)
    limiter = CapacityLimiter(settings.inference_threads)
    return Service(catalogue, settings, models, limiter, metrics, calibrations)


def of(request: Request) -> Service:
    """The service of the app that this request came to."""
    found = request.app.state.service
    assert isinstance(found, Service)
    return found
