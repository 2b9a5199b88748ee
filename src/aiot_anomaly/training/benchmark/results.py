"""The results of a table as they are kept: one JSON document each, and their union."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from aiot_anomaly.errors import TrainingError


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Document):
    """Who was measured, and what was found.

    Attributes:
        name: as the tables have it.
        kind: "network" is the mean of several seeds.
        measures: by their names in the catalogue; those that are not defined are left out.
        seeds: of a network, the measures of each seed.
        interval: the middle 95 % over resampled devices.
        groups: some measures, by group of devices.
        thresholds: the raw scores at which an alarm begins, one for each seed.
        seconds: training and scoring.
    """

    name: str
    kind: Literal["network", "bundle", "baseline"]
    measures: dict[str, float]
    seeds: dict[str, dict[str, float]] = {}
    interval: dict[str, tuple[float, float]] = {}
    groups: dict[str, dict[str, float]] = {}
    thresholds: list[float]
    seconds: float

    def spread(self, measure: str) -> tuple[float, float] | None:
        """Lowest and highest of the seeds; None where not every seed has the measure."""
        values = [of[measure] for of in self.seeds.values() if measure in of]
        return (min(values), max(values)) if values and len(values) == len(self.seeds) else None


class Verdict(_Document):
    """Whether a goal was met; None: it could not be measured."""

    goal: str
    value: float | None = None
    bound: float | None = None
    measured: str
    met: bool | None
    missed: str
    bundle: str = ""
    bundle_met: bool | None = None


class BundleOrigin(_Document):
    """The committed bundle whose figures are in the table."""

    version: str
    run: str
    git_commit: str
    threshold: float
    method: str
    #: trained on the data that the table's networks were trained on, whatever else is watched
    same_data: bool


class Origin(_Document):
    """What a table's figures depend on, and how to make them again."""

    command: str
    git_commit: str
    made: str
    data: str
    #: of all data, and of that which the networks learned from
    fingerprint: str
    source: str
    profile: str
    threshold_rule: str
    held_back_rows: int
    parameters: dict[str, Any]
    seeds: list[int]
    libraries: dict[str, str]
    seconds: float


class Counts(_Document):
    """How much was tested."""

    devices: int
    teachers: int
    rows: int
    anomalous: int
    events: int


class TableResult(_Document):
    """One table."""

    table: str
    counts: Counts
    rows: list[Row]
    left_out: dict[str, str]
    goals: list[Verdict]
    point_adjusted: dict[str, float]
    pictures: dict[str, str]
    section: str
    bundle: BundleOrigin | None
    origin: Origin

    def row(self, name: str) -> Row | None:
        """The row of this name."""
        return next((row for row in self.rows if row.name == name), None)


def folder(root: Path) -> Path:
    """Where the documents and pictures of the results lie."""
    return root / "docs" / "results"


def keep(root: Path, result: TableResult) -> None:
    """Writes a table's document; those of the others stay."""
    place = folder(root)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{result.table}.json").write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")


def kept(root: Path, names: Iterable[str]) -> dict[str, TableResult]:
    """The tables of these names that were kept, in their order.

    Raises:
        TrainingError: a document is not one of this release.
    """
    found = {}
    for name in names:
        path = folder(root) / f"{name}.json"
        if path.is_file():
            try:
                found[name] = TableResult.model_validate_json(path.read_bytes())
            except ValidationError as e:
                raise TrainingError(f"{path} is not of this release: run `make benchmark-{name}`; {e}") from None
    return found


def write_union(root: Path, tables: Mapping[str, TableResult]) -> Path:
    """Writes `reports/quality.json`, all tables in one document, and returns its path."""
    path = root / "reports" / "quality.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {name: result.model_dump(mode="json", exclude={"section"}) for name, result in tables.items()}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
