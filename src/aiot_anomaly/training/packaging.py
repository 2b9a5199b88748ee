"""From a trained network, calibrations and a threshold to a bundle, and from the bundle to MLflow's registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnx
from mlflow.models import infer_signature

from aiot_anomaly import bundle as bundles
from aiot_anomaly import detector
from aiot_anomaly.bundle import Calibrations, Golden
from aiot_anomaly.calibration import Calibration, complete, encode, shapes
from aiot_anomaly.inference import Graph
from aiot_anomaly.profile import Profile
from aiot_anomaly.training import tracking
from aiot_anomaly.training.candidates import calibrate
from aiot_anomaly.training.dataset import Dataset
from aiot_anomaly.training.network import NetworkConfig, build
from aiot_anomaly.windows import Windows, as_datetime, season_slots

GOLDEN_WINDOWS = 16
GOLDEN_AT_BUILD = 1e-5
#: most windows that the fleet's calibration is computed from
FLEET_WINDOWS = 20_000


@dataclass(frozen=True)
class Workspace:
    """The folder in which the notebooks of one pipeline run hand things on."""

    folder: Path

    @property
    def weights(self) -> Path:
        """Keras weights, from 02_train."""
        return self.folder / bundles.WEIGHTS

    @property
    def model(self) -> Path:
        """The ONNX graph, from 02_train."""
        return self.folder / bundles.MODEL

    @property
    def bundle(self) -> Path:
        """The candidate bundle, from 04_compare."""
        return self.folder / "bundle"

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Keeps a small document for the next notebook."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def read(self, name: str) -> Any:
        """The document that an earlier notebook kept."""
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))


def restore(profile: Profile, config: NetworkConfig, weights: Path) -> Any:
    """The Keras network with the weights of a file."""
    network = build(profile, config)
    network.load_weights(str(weights))
    return network


def pool(parts: list[Windows], most: int = FLEET_WINDOWS) -> Windows:
    """Windows of many devices as one, evenly thinned to at most `most`."""
    step = -(-sum(len(p) for p in parts) // most)
    return Windows(
        np.concatenate([p.ends[::step] for p in parts]),
        np.concatenate([p.values[::step] for p in parts]),
        np.concatenate([p.complete[::step] for p in parts]),
        np.concatenate([p.out_of_range[::step] for p in parts]),
    )


def assemble(
    dataset: Dataset,
    workspace: Workspace,
    *,
    threshold: Mapping[str, Any],
    metrics: Mapping[str, float],
    seed: int,
    run_id: str,
) -> Path:
    """Writes the candidate bundle and checks that it gives its golden scores.

    Args:
        dataset: what it was trained on; each device's training rows give its calibration.
        workspace: holds the model and the weights; takes the bundle.
        threshold: the fields of `aiot_anomaly.bundle.ThresholdReport`.
        metrics: on the test part.
        seed: of the training.
        run_id: the MLflow run that the bundle belongs to.

    Returns:
        The bundle's folder.
    """
    profile = dataset.profile
    model = workspace.model.read_bytes()
    graph = Graph(model, profile)
    # names the content: another model, threshold, profile or data has another version
    parts = (model, json.dumps(dict(threshold), sort_keys=True).encode(), profile.model_dump_json().encode())
    digest = hashlib.sha256(b"".join(parts))
    digest.update(dataset.fingerprint.encode())
    version = digest.hexdigest()[:12]
    fleet = complete(profile, pool([d.train() for d in dataset.pooled()]), graph.residuals, version)
    own = {d.device_id: calibrate(profile, d, graph.residuals, version) for d in dataset.monitored()}
    ranges = [(int(d.windows.ends[0]), d.train_until) for d in dataset.devices]
    bundles.write(
        workspace.bundle,
        model=model,
        calibrations=Calibrations(
            fleet=encode(profile, fleet), devices={name: encode(profile, c) for name, c in own.items()}
        ),
        golden=_golden(profile, graph, fleet, threshold["value"], seed),
        weights=workspace.weights,
        manifest={
            "version": version,
            "profile": profile,
            "threshold": dict(threshold),
            "network": workspace.read("network"),
            "metrics": dict(metrics),
            "training_range": (as_datetime(min(r[0] for r in ranges)), as_datetime(max(r[1] for r in ranges))),
            "devices": len(own),
            "created_at": datetime.now(UTC).replace(microsecond=0),
            "mlflow_run_id": run_id,
            "git_commit": tracking.git_commit(),
            "data_fingerprint": dataset.fingerprint,
            "seed": seed,
            "libraries": tracking.libraries(),
        },
    )
    detector.load(workspace.bundle, tolerance=GOLDEN_AT_BUILD)
    return workspace.bundle


def _golden(profile: Profile, graph: Graph, fleet: Calibration, threshold: float, seed: int) -> Golden:
    step = profile.interval_s * profile.window.stride
    start = 1_767_225_600 // step * step + profile.interval_s * profile.window.phase  # 2026-01-01, a Thursday
    ends = start + 5 * step * np.arange(GOLDEN_WINDOWS, dtype=np.int64)
    values = bundles.golden_values(profile, fleet, season_slots(profile, ends), seed)
    golden = Golden(ends=ends.tolist(), values=values.tolist(), scores=[])
    scores = graph.score(golden.windows(profile), fleet, threshold).score
    return golden.model_copy(update={"scores": scores.tolist()})


def register(dataset: Dataset, folder: Path, *, pipeline_run: str) -> str:
    """Logs the bundle and its model to the active MLflow run and registers a version.

    The model is logged in MLflow's ONNX form, with its signature and an input example made of golden windows.

    Returns:
        The registered version.
    """
    profile = dataset.profile
    loaded = detector.load(folder)
    golden = loaded.bundle.golden.windows(profile)
    golden = golden.only(np.arange(len(golden)) < 2)
    example = {
        "values": golden.values,
        "season": season_slots(profile, golden.ends),
        "threshold": np.full(2, loaded.bundle.threshold, dtype=np.float32),
        **{
            name: np.broadcast_to(getattr(loaded.bundle.fleet, name), (2, *shape)).astype(
                np.float64 if name in {"center", "scale"} else np.float32
            )
            for name, shape in shapes(profile).items()
        },
    }
    model = onnx.load(str(folder / bundles.MODEL))
    used = {i.name for i in model.graph.input}
    example = {name: np.ascontiguousarray(value) for name, value in example.items() if name in used}
    scores = loaded.score(golden, loaded.bundle.fleet)
    signature = infer_signature(example, {"score": scores.score.astype(np.float32)})
    mlflow.log_artifacts(str(folder), tracking.BUNDLE_ARTIFACT)
    info = mlflow.onnx.log_model(
        model, name="model", signature=signature, input_example=example, registered_model_name=profile.name
    )
    version = str(info.registered_model_version)
    client = mlflow.MlflowClient()
    for key, value in {"pipeline_run": pipeline_run, "bundle_version": loaded.bundle.version}.items():
        client.set_model_version_tag(profile.name, version, key, value)
    return version
