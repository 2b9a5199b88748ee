"""Writes every document of the results from the tables that were kept."""

from __future__ import annotations

from pathlib import Path

from aiot_anomaly.training.benchmark import readme, report, results
from aiot_anomaly.training.benchmark.tables import TABLES


def write(root: Path) -> list[Path]:
    """Writes `reports/quality.json`, `docs/results.md` and the READMEs' tables below `root`; returns their paths.

    Raises:
        TrainingError: a kept table is not of this release, or a README has no place for the tables.
    """
    tables = results.kept(root, TABLES)
    return [results.write_union(root, tables), report.write(root, tables), *readme.write(root, tables)]
