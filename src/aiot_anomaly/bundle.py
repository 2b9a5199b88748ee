"""The bundle: everything that serving needs of a model, in one folder, with checksums and no pickle.

model.onnx         the graph: physical units and a calibration in; score, contributions, expected values out
calibrations.json  the fleet's calibration and one for each known device
golden.json        generated windows and the scores that they must give
network.weights.h5 the Keras weights, for the parity test and for further training
bundle.json        profile, threshold, metrics, where it is from, and the SHA-256 of each other file
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from aiot_anomaly.calibration import Calibration, CalibrationDocument, decode
from aiot_anomaly.errors import BundleError, CalibrationError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows

FORMAT = 1
MANIFEST = "bundle.json"
MODEL = "model.onnx"
CALIBRATIONS = "calibrations.json"
GOLDEN = "golden.json"
WEIGHTS = "network.weights.h5"
#: what the manifest has a checksum of
FILES = (MODEL, CALIBRATIONS, GOLDEN, WEIGHTS)
MOST_BYTES = 4 * 1024 * 1024


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ThresholdReport(_Document):
    """The threshold and how it was set."""

    value: float = Field(gt=0)
    method: str
    quantile: float
    held_back_rows: int
    #: incidents of one device and day that somebody is told of; not given: what the profile says
    most_alarms_a_day: int | None = Field(default=None, ge=1)


class Manifest(_Document):
    """What `bundle.json` says."""

    format: int
    version: str
    profile: Profile
    threshold: ThresholdReport
    network: dict[str, int | bool]
    metrics: dict[str, float]
    training_range: tuple[AwareDatetime, AwareDatetime]
    devices: int
    created_at: AwareDatetime
    mlflow_run_id: str
    git_commit: str
    data_fingerprint: str
    seed: int
    libraries: dict[str, str]
    sha256: dict[str, str]


class Calibrations(_Document):
    """What `calibrations.json` says."""

    fleet: CalibrationDocument
    devices: dict[str, CalibrationDocument]


class Golden(_Document):
    """What `golden.json` says: W windows of T × F in physical units, and the fleet-calibrated scores they give."""

    ends: list[int]
    values: list[list[list[float]]]
    scores: list[float]

    def windows(self, profile: Profile) -> Windows:
        """The windows, ready to be scored."""
        n = len(self.ends)
        return Windows(
            np.array(self.ends, dtype=np.int64),
            np.array(self.values),
            np.ones(n, dtype=bool),
            np.zeros((n, len(profile.sensors)), dtype=bool),
        )


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory, its checksums verified."""

    folder: Path
    manifest: Manifest
    fleet: Calibration
    devices: Mapping[str, Calibration]
    golden: Golden

    @property
    def profile(self) -> Profile:
        """The kind of device that it is for."""
        return self.manifest.profile

    @property
    def version(self) -> str:
        """Names the content: two bundles of the same version hold the same model."""
        return self.manifest.version

    @property
    def threshold(self) -> float:
        """The raw score that is calibrated to 1.0."""
        return self.manifest.threshold.value

    def calibration(self, device_id: str) -> tuple[Calibration, str]:
        """The calibration for a device and whose it is: "bundle" (the device's) or "fleet"."""
        own = self.devices.get(device_id)
        return (own, "bundle") if own is not None else (self.fleet, "fleet")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(folder: Path) -> Bundle:
    """Reads a bundle and verifies its checksums.

    The golden scores need the graph to run: see `aiot_anomaly.detector.load`.

    Raises:
        BundleError: a file is missing, changed, of another format or not valid; the text says what to do.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"no {MANIFEST} in {folder}; train and promote one: make train promote PROFILE={folder.name}")
    text = path.read_bytes()
    found = _format(text, folder)
    if found != FORMAT:
        raise BundleError(f"{path} is of format {found}, this release reads {FORMAT}: promote the model again")
    try:
        manifest = Manifest.model_validate_json(text)
        for name in FILES:
            _check(folder / name, manifest.sha256.get(name, "no checksum"))
        calibrations = Calibrations.model_validate_json((folder / CALIBRATIONS).read_text(encoding="utf-8"))
        golden = Golden.model_validate_json((folder / GOLDEN).read_text(encoding="utf-8"))
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        where = ".".join(str(p) for p in fault["loc"])
        raise BundleError(f"bundle {folder} is not valid: {where}: {fault['msg']}; promote the model again") from None
    try:
        fleet = decode(manifest.profile, calibrations.fleet)
        devices = {d: decode(manifest.profile, c) for d, c in calibrations.devices.items()}
    except CalibrationError as e:
        raise BundleError(f"bundle {folder} is not valid: {e}; promote the model again") from None
    return Bundle(folder=folder, manifest=manifest, fleet=fleet, devices=devices, golden=golden)


def _format(text: bytes, folder: Path) -> object:
    try:
        return json.loads(text).get("format")
    except (ValueError, AttributeError):  # not JSON, not even text, or not an object
        raise BundleError(
            f"{folder / MANIFEST} cannot be read, it is not JSON: restore it from git or promote the model again"
        ) from None


def _check(path: Path, expected: str) -> None:
    if not path.is_file():
        raise BundleError(f"{path} is missing: restore it from git or promote the model again")
    found = sha256(path)
    if found != expected:
        raise BundleError(
            f"{path} has SHA-256 {found[:12]}…, {MANIFEST} says {expected[:12]}…: the file was changed or cut off; "
            "restore it from git or promote the model again"
        )


def golden_values(profile: Profile, fleet: Calibration, season: np.ndarray, seed: int) -> Float:
    """Generated windows around the fleet's normal level: never rows of somebody's data.

    Args:
        profile: the kind of device.
        fleet: whose level and scale they are generated around.
        season: (W, T) the season's slot of each row.
        seed: of the generator.

    Returns:
        (W, T, F) in physical units; within what each input can be, from calm to clearly anomalous.
    """
    rng = np.random.default_rng(seed)
    n, steps = season.shape
    spread = np.linspace(0.3, 12.0, n)[:, None, None]
    walk = np.cumsum(rng.normal(size=(n, steps, len(profile.input_names))), axis=1) / np.sqrt(steps)
    if profile.scoring.whiten:
        walk = walk @ fleet.whitening[1]
    values = fleet.center[season] + fleet.scale[season] * spread * walk
    bounds = [s.valid_range for s in profile.sensors]
    bounds += [d.bounds(*bounds[s]) for d, s in zip(profile.derived, profile.input_sensor[len(bounds) :], strict=True)]
    least, most = np.array(bounds).T
    return np.asarray(np.clip(np.round(values, 6), least, most))


def write(
    folder: Path,
    *,
    model: bytes,
    calibrations: Calibrations,
    golden: Golden,
    weights: Path,
    manifest: Mapping[str, object],
) -> Manifest:
    """Writes a bundle; `manifest` holds the fields of `Manifest` that do not follow from the files.

    Raises:
        BundleError: the bundle is larger than it may be in git.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(model)
    (folder / CALIBRATIONS).write_text(calibrations.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (folder / GOLDEN).write_text(golden.model_dump_json() + "\n", encoding="utf-8")
    (folder / WEIGHTS).write_bytes(weights.read_bytes())
    size = sum((folder / n).stat().st_size for n in FILES)
    if size > MOST_BYTES:
        raise BundleError(f"bundle {folder} has {size} bytes, expected at most {MOST_BYTES}: make the network smaller")
    complete = Manifest.model_validate({**manifest, "format": FORMAT, "sha256": {n: sha256(folder / n) for n in FILES}})
    (folder / MANIFEST).write_text(complete.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return complete
