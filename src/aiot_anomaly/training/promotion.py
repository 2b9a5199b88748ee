"""Promotion: a registered model becomes the champion, its bundle the one in `serving/models/`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiot_anomaly import detector, paths, profile_store
from aiot_anomaly.bundle import MANIFEST, Manifest
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import BundleError
from aiot_anomaly.profile import Profile
from aiot_anomaly.training import model_card, record, tracking
from aiot_anomaly.training.packaging import GOLDEN_AT_BUILD


def champion(profile: Profile, models: Path | None = None) -> tuple[Detector | None, str]:
    """The model in service, for a comparison on this profile's windows.

    Args:
        profile: the kind of device.
        models: the folder of bundles, `serving/models` if not given.

    Returns:
        The champion and its version; or None and the reason, where there is none that can be compared.
    """
    folder = (models or paths.models()) / profile.name
    if not (folder / MANIFEST).is_file():
        return None, "none was promoted yet"
    try:
        found = detector.load(folder)
    except BundleError as e:
        return None, str(e)
    if found.profile != profile:
        return None, f"version {found.bundle.version} is of another form of the profile, and sees other windows"
    return found, found.bundle.version


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """A folder that does not exist yet, to be made; it takes the target's place where that raised nothing.

    It lies beside the target, so that there is never half of a bundle; a crash between the two renames leaves the old
    one under another name, and the next time begins by putting it back.
    """
    fresh, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    target.parent.mkdir(parents=True, exist_ok=True)
    if old.exists() and not target.exists():
        old.rename(target)
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    yield fresh
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def promote(profile_name: str, run: str = "", *, models: Path | None = None) -> Manifest:
    """Moves the alias `champion` and writes bundle and model card to `serving/models/<profile>/`.

    The bundle is checked before anything moves: checksums, and golden scores to 1e-5.

    Args:
        profile_name: the kind of device.
        run: the pipeline's MLflow run, or its 04_compare's; the newest registered version if empty.
        models: the folder of bundles, `serving/models` if not given.

    Returns:
        The manifest of the bundle that is now the champion.

    Raises:
        TrainingError: there is no such registered model.
        BundleError: the bundle does not hold.
    """
    profile = profile_store.load(profile_name)
    target = (models or paths.models()) / profile.name
    with tempfile.TemporaryDirectory() as scratch:
        kept = record.fetch(profile.name, run, Path(scratch))
        manifest = detector.load(kept.bundle, tolerance=GOLDEN_AT_BUILD).bundle.manifest
        with placed(target) as fresh:
            shutil.copytree(kept.bundle, fresh)
            model_card.write(fresh, kept)
    tracking.set_champion(profile.name, kept.version)
    return manifest
