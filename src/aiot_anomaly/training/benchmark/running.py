"""Runs a table of the benchmark from its data to its document."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiot_anomaly.training import point_adjusted, tracking
from aiot_anomaly.training.benchmark import contest, drawing, measures, origin, parameters, pictures, results, section
from aiot_anomaly.training.benchmark.contest import Contest, Entry
from aiot_anomaly.training.benchmark.results import Row, TableResult, Verdict
from aiot_anomaly.training.benchmark.tables import BUNDLE, NETWORK, Table

#: whose point-adjusted F1 shows why it is in no table
ADJUSTED = ("random", NETWORK)


def run(
    table: Table,
    root: Path,
    *,
    seeds: Sequence[int] = (),
    overrides: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> TableResult:
    """Makes a table, and keeps its document and pictures below `root`.

    Args:
        table: which.
        root: the repository, or a folder in its place.
        seeds: of the network, the table's own if none is given.
        overrides: parameters that replace those of the profile's file, for a quick look.
        progress: show progress bars.

    Raises:
        TrainingError, DatasetError: see `contest.hold`.
    """
    started, commit = time.monotonic(), tracking.git_commit()
    if "data" in (overrides or {}):
        table = replace(table, tested="")
    chosen = tuple(seeds) or table.seeds
    held = contest.hold(table, parameters.of(table, overrides or {}), chosen, progress=progress)
    own = section.made(held)
    behind = measures.behind(held)
    rows = [
        _row(held, name, entries, own.measures, {"behind": behind[name]} if name in behind else {})
        for name, entries in held.by_row().items()
    ]
    drawn = drawing.of(held, rows) | dict(own.pictures)
    for name, (_, figure) in drawn.items():
        pictures.save(figure, results.folder(root) / f"{table.name}-{name}.png")
    result = TableResult(
        table=table.name,
        counts=measures.counts(held),
        rows=rows,
        left_out=dict(held.left_out),
        goals=judged(table, rows),
        point_adjusted=adjusted(held),
        pictures={name: title for name, (title, _) in drawn.items()},
        section=own.text,
        bundle=origin.bundle(held),
        origin=origin.of(held, chosen, overrides or {}, commit=commit, seconds=time.monotonic() - started),
    )
    results.keep(root, result)
    return result


def judged(table: Table, rows: Sequence[Row]) -> list[Verdict]:
    """Each goal by the mean of the network's seeds, and by the bundle beside it."""
    measured = {row.name: row.measures for row in rows}
    found = []
    for goal in table.goals:
        verdict = goal.judge(measured.get(NETWORK, {}), measured)
        if BUNDLE in measured:
            beside = goal.judge(measured[BUNDLE], measured)
            verdict = verdict.model_copy(update={"bundle": beside.measured, "bundle_met": beside.met})
        found.append(verdict)
    return found


def _row(
    held: Contest,
    name: str,
    entries: Sequence[Entry],
    own: Mapping[str, Mapping[str, float]],
    beside: Mapping[str, float],
) -> Row:
    each = {entry.name: measures.of(held, entry) | dict(own.get(entry.name, {})) for entry in entries}
    headline = entries[0].kind in {"network", "bundle"}
    groups = [measures.by_group(held, entry) for entry in entries] if name not in drawing.WORTHLESS else [{}]
    return Row(
        name=name,
        kind=entries[0].kind,
        measures={**measures.mean(list(each.values())), **beside},
        seeds={entry.removeprefix(f"{name}, "): of for entry, of in each.items()} if len(each) > 1 else {},
        interval=measures.intervals(held, entries) if headline else {},
        groups={group: measures.mean([of[group] for of in groups]) for group in groups[0]},
        thresholds=[round(entry.threshold, 6) for entry in entries],
        seconds=round(sum(entry.seconds for entry in entries), 1),
    )


def adjusted(held: Contest) -> dict[str, float]:
    """Point-adjusted F1 at its best, of a draw of lots and of the network: why it is in no table."""
    rows = held.by_row()
    return {name: round(point_adjusted.best_f1(rows[name][0].rows), 3) for name in ADJUSTED if name in rows}
