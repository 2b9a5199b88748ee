"""What the routes share."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from aiot_anomaly.detector import Detector
from serving import catalogue as catalogues
from serving.batcher import Batcher
from serving.body_limit import BodyLimits
from serving.calibration_cache import CalibrationCache
from serving.catalogue import Catalogue
from serving.instances import Reader
from serving.metrics import Journal, Metrics
from serving.overload import Load
from serving.settings import Settings, SettingsError
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
    journal: Journal
    limits: BodyLimits
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


def load(models_dir: Path, settings: Settings) -> Service:
    """Loads every bundle in `models_dir` and puts together what serves it.

    Raises:
        BundleError: there is no bundle, or one is not whole.
        SettingsError: the default profile has no bundle.
    """
    catalogue = catalogues.load(models_dir)
    if settings.default_profile not in {"", *catalogue.detectors}:
        served = ", ".join(catalogue.detectors)
        raise SettingsError(f"DEFAULT_PROFILE={settings.default_profile!r}: expected one of {served}")
    metrics, calibrations = Metrics(), CalibrationCache()
    executor = ThreadPoolExecutor(settings.inference_threads, thread_name_prefix="inference")
    load = Load(settings.max_queue_ms / 1000)
    models = {}
    for name, detector in catalogue.detectors.items():
        metrics.served(name, detector.bundle.version)
        batcher = Batcher(detector, executor, metrics, load, settings.inference_threads)
        models[name] = Model(detector, Reader(detector, calibrations), batcher, metrics)
    workers = Workers(settings.inference_threads, settings.max_queue_ms / 1000)
    journal = Journal(metrics, settings.access_log)
    limits = BodyLimits(settings.max_body_bytes, settings.max_bytes_in_flight, settings.body_timeout_s)
    return Service(catalogue, settings, models, workers, metrics, journal, limits, calibrations)


def of(request: Request) -> Service:
    """The service of the app that this request came to."""
    found = request.app.state.service
    assert isinstance(found, Service)
    return found
