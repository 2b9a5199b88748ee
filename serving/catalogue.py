"""The models that are served: loaded once, at start."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from aiot_anomaly import detector
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import AIoTError, BundleError
from serving.errors import ApiError, listed, shorten


class Catalogue:
    """Loaded bundles by the name of their profile."""

    def __init__(self, detectors: Mapping[str, Detector]) -> None:
        self._detectors = dict(sorted(detectors.items()))

    @property
    def detectors(self) -> Mapping[str, Detector]:
        """All of them, by name."""
        return self._detectors

    def get(self, name: str) -> Detector:
        """The model of this name.

        Raises:
            ApiError: there is none; the text names those that there are.
        """
        found = self._detectors.get(name)
        if found is None:
            models = list(self._detectors)
            message = f"no model {shorten(name)!r}; this service has {listed(models)}"
            raise ApiError(HTTPStatus.NOT_FOUND, "unknown_model", message, models=models)
        return found


def load(models_dir: Path) -> Catalogue:
    """Loads every folder of `models_dir` as a bundle and verifies its golden scores.

    Raises:
        BundleError: there is none, or one is not whole; the text says which and what to do.
    """
    folders = sorted(p for p in models_dir.glob("[!._]*") if p.is_dir())
    if not folders:
        raise BundleError(f"no bundle in {models_dir}; train and promote one: make train promote PROFILE=<profile>")
    found: dict[str, Detector] = {}
    for folder in folders:
        one = _load_one(folder)
        name = one.profile.name
        if name in found:
            raise BundleError(f"{found[name].bundle.folder} and {folder} both serve profile {name}: remove one")
        found[name] = one
    return Catalogue(found)


def _load_one(folder: Path) -> Detector:
    try:
        return detector.load(folder)
    except AIoTError:
        raise
    except Exception as e:  # whatever a damaged file makes the parsers and ONNX Runtime raise
        text = " ".join(str(e).split())[:300]
        raise BundleError(
            f"bundle {folder} cannot be read: {type(e).__name__}: {text}; "
            "restore it from git or promote the model again"
        ) from e
