"""The parameters that the notebooks would be given: the benchmark measures what `make train` trains."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill as pm

from aiot_anomaly import paths, profile_store
from aiot_anomaly.training import pipeline
from aiot_anomaly.training.benchmark.tables import Table

#: whose defaults hold where the profile's file says nothing
NOTEBOOKS = ("02_train", "04_compare")


def of(table: Table, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The notebooks' defaults, then `notebooks/params/<profile>.yaml`, then the overrides.

    Raises:
        TrainingError: a parameter is unknown, or no data is named.
    """
    folder = paths.root() / "notebooks"
    profile = profile_store.load(table.profile)
    wanted = ({"data": table.data} if table.data else {}) | dict(overrides)
    given = pipeline.chosen(profile, table.profile, folder / "params" / f"{profile.name}.yaml", wanted)
    pipeline.plan(folder, given)
    defaults: dict[str, Any] = {}
    for name in NOTEBOOKS:
        defaults |= _defaults(folder / f"{name}.ipynb")
    return {k: v for k, v in (defaults | given).items() if k not in pipeline.CONTEXT}


def _defaults(notebook: Path) -> dict[str, Any]:
    declared = pm.inspect_notebook(str(notebook))
    return {name: ast.literal_eval(of["default"]) for name, of in declared.items()}
