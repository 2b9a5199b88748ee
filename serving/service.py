"""What the routes of one app share."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.requests import Request

from aiot_anomaly.detector import Detector
from serving.batcher import Batcher
from serving.calibration_cache import CalibrationCache
from serving.catalogue import Catalogue
from serving.instances import Reader
from serving.metrics import Metrics
from serving.overload import Load
from serving.settings import Settings
from serving.workers import Workers


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


@dataclass
class Lifecycle:
    """Where in its life the process is; `draining` once it was told to end."""

    draining: bool = False


@dataclass(frozen=True)
class Service:
    """The loaded models and what is kept beside them."""

    catalogue: Catalogue
    settings: Settings
    models: Mapping[str, Model]
    workers: Workers
    metrics: Metrics
    calibrations: CalibrationCache
    lifecycle: Lifecycle = field(default_factory=Lifecycle)

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


def create(catalogue: Catalogue, settings: Settings) -> Service:
    """Puts together what serves the models of a catalogue."""
    metrics, calibrations = Metrics(), CalibrationCache()
    executor = ThreadPoolExecutor(settings.inference_threads, thread_name_prefix="inference")
    load = Load(settings.max_queue_ms / 1000)
    models = {}
    for name, detector in catalogue.detectors.items():
        metrics.served(name, detector.bundle.version)
        batcher = Batcher(detector, executor, metrics, load, settings.inference_threads)
        models[name] = Model(detector, Reader(detector, calibrations), batcher, metrics)
    workers = Workers(settings.inference_threads, settings.max_queue_ms / 1000)
    return Service(catalogue, settings, models, workers, metrics, calibrations)


def of(request: Request) -> Service:
    """The service of the app that this request came to."""
    found = request.app.state.service
    assert isinstance(found, Service)
    return found
