"""Keeping what a training run made in a folder that outlives it: a bucket mounted into a job, or any other."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiot_anomaly import bundle as bundles
from aiot_anomaly import paths, profile_store
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import model_card, pipeline, record
from aiot_anomaly.training.record import Record

#: written last: a folder without it is not whole
DONE = "manifest.json"


def train(
    profile_name: str, overrides: Mapping[str, Any] | None, out: Path, *, notebooks: Path | None = None
) -> tuple[str, Path]:
    """Runs the pipeline and keeps its results in `out/<profile>/<UTC time>-<version>/`.

    There: `bundle/` with its model card, `notebooks/` as executed, `plots/`, `runs.json` (parameters, metrics and tags
    of every MLflow run) and, last, `manifest.json` with the SHA-256 of each file. Files are only created and written,
    never renamed, as an object store cannot. Of a run that fails, the executed notebooks are kept in
    `out/<profile>/<UTC time>-failed/`.

    Returns:
        The pipeline's MLflow run, and the folder.

    Raises:
        TrainingError: `out` cannot be written, which is known before the training starts; or the pipeline failed.
    """
    profile = profile_store.load(profile_name)
    _try_to_write(out)
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    executed = paths.root() / "reports" / "jobs" / started
    try:
        run = pipeline.run(profile_name, overrides, notebooks=notebooks, reports=executed)
    except TrainingError as e:
        failed = out / profile.name / f"{started}-failed"
        for path in sorted(executed.rglob("*.ipynb")):
            _copy(path, failed / "notebooks" / path.name)
        raise TrainingError(f"{e}; another is in {failed}") from e
    with tempfile.TemporaryDirectory() as scratch:
        kept = record.fetch(profile.name, run, Path(scratch))
        version = bundles.load(kept.bundle).version
        folder = out / profile.name / f"{started}-{version}"
        try:
            keep(kept, folder)
        except OSError as e:
            raise TrainingError(f"the results of run {run} cannot be kept in {folder}: {e}") from e
    return run, folder


def keep(kept: Record, folder: Path) -> None:
    """Copies what a person needs of a run into `folder`.

    Raises:
        OSError: it cannot be written.
    """
    model_card.write(kept.bundle, kept)
    copies = {f"bundle/{p.name}": p for p in sorted(kept.bundle.iterdir())}
    copies |= {f"notebooks/{p.name}": p for p in kept.notebooks()}
    copies |= {f"plots/{name}.png": p for name, p in kept.plots().items()}
    for name, path in copies.items():
        _copy(path, folder / name)
    (folder / "runs.json").write_text(json.dumps(dict(_runs(kept)), indent=2) + "\n", encoding="utf-8")
    document = {
        "profile": kept.version.name,
        "version": bundles.load(kept.bundle).version,
        "run": kept.run_id,
        "better_than_champion": None if kept.decision is None else kept.decision.better,
        "reason": None if kept.decision is None else kept.decision.reason,
        "sha256": {name: bundles.sha256(path) for name, path in copies.items()}
        | {"runs.json": bundles.sha256(folder / "runs.json")},
    }
    (folder / DONE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _runs(kept: Record) -> Iterator[tuple[str, dict[str, Any]]]:
    for stage, run in sorted(kept.stages.items()):
        tags = {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")}
        yield stage, {"run": run.info.run_id, "params": run.data.params, "metrics": run.data.metrics, "tags": tags}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # the content alone: a mounted bucket has neither owners nor times to set
    shutil.copyfile(source, target)


def _try_to_write(out: Path) -> None:
    probe = out / f".probe-{uuid.uuid4().hex}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as e:
        raise TrainingError(f"cannot write to {out}: {e}; name a folder that this user may write by --out") from e
