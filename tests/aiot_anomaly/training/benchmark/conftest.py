"""A benchmark of the tiny device, measured once: two seeds of a small network, a bundle, and every baseline."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiot_anomaly import paths
from aiot_anomaly.training import resampling
from aiot_anomaly.training.baselines import multivariate
from aiot_anomaly.training.benchmark import running
from aiot_anomaly.training.benchmark.goals import Ahead, Goal
from aiot_anomaly.training.benchmark.results import TableResult
from aiot_anomaly.training.benchmark.tables import PCA, SKAB, Table
from tests.aiot_anomaly.kinds import document
from tests.aiot_anomaly.training import fleets
from tests.aiot_anomaly.training.fleets import Event
from tests.support.tiny_bundle import tiny_profile

QUICK = {"epochs": 1, "units": 4, "code": 2, "components": 2, "held_back": 0.3}
SEEDS = (0, 1)


@dataclass(frozen=True)
class Home:
    """A repository with the tiny device's data, bundle and table, and where its results go."""

    root: Path
    into: Path
    table: Table

    def measure(
        self,
        into: Path | None = None,
        table: Table | None = None,
        seeds: tuple[int, ...] = SEEDS,
        overrides: Mapping[str, Any] | None = None,
    ) -> TableResult:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIOT_HOME", str(self.root))
            # what is asked of many trees and resamples they owe when there are few
            patch.setattr(multivariate, "TREES", 10)
            patch.setattr(resampling, "RESAMPLES", 40)
            chosen = {**QUICK, **(overrides or {})}
            return running.run(table or self.table, into or self.into, seeds=seeds, overrides=chosen, progress=False)


@pytest.fixture(scope="session")
def home(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("home")
    (root / "notebooks").symlink_to(paths.root() / "notebooks")
    shutil.copytree(bundle_folder, root / "serving" / "models" / "tiny")
    (root / "tiny.yaml").write_text(yaml.safe_dump(document()), encoding="utf-8")
    fleets.write(root / "data", tiny_profile(), {"a-1": 1, "a-2": 2, "b-1": 3}, {"t-1": 4}, event=Event(40, 80))
    table = replace(
        SKAB,
        name="skab",  # a name that the documents know
        profile=str(root / "tiny.yaml"),
        data="data",
        sizes=(1.0,),
        recorded_rows=False,
        operator=("found@1", *SKAB.operator, "chance"),
        goals=(
            Goal("auc_roc", ">=", 0.5),
            Goal("found@1", ">", 1.0),
            Ahead(PCA, ("auc_pr",)),
            Ahead("nobody", ("f1",)),
        ),
        timeline_h=2,
    )
    return Home(root, tmp_path_factory.mktemp("results"), table)


@pytest.fixture(scope="session")
def measured(home: Home) -> TableResult:
    return home.measure()
