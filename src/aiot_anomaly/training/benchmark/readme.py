"""The READMEs' part of the results: a short table of each, from the documents that were kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiot_anomaly.training.benchmark import catalogue, markdown
from aiot_anomaly.training.benchmark.results import TableResult
from aiot_anomaly.training.benchmark.tables import NETWORK, TABLES, Table
from aiot_anomaly.training.benchmark.words import ENGLISH, PORTUGUESE, Language

READMES = {"README.md": ENGLISH, "README.pt-BR.md": PORTUGUESE}


def part(table: Table, result: TableResult | None, language: Language) -> str:
    """What a README says of a table."""
    title = table.portuguese if language.portuguese else table.title
    if result is None:
        return language.none_yet(title, f"make benchmark-{table.name}")
    columns = [name for name in table.brief if any(name in row.measures for row in result.rows)]
    rows = [
        [language.row(row.name, len(row.seeds)), *(language.cell(c, row.measures.get(c)) for c in columns)]
        for row in result.rows
    ]
    counts = result.counts
    tested = language.tested(
        devices=counts.devices,
        teachers=counts.teachers,
        events=counts.events,
        rows=counts.rows,
        share=counts.anomalous / max(1, counts.rows),
    )
    measured = [goal for goal in result.goals if goal.met is not None]
    goals = language.goals(
        met=sum(goal.met is True for goal in measured),
        measured=len(measured),
        link=f"docs/results.md#{table.title.lower()}",
    )
    head = ["", *(language.title(c) for c in columns)]
    return "\n\n".join(
        [f"**{title}.** {tested}", markdown.table(head, rows), f"{_standing(table, result, language)}{goals}"]
    )


def _standing(table: Table, result: TableResult, language: Language) -> str:
    """Who is ahead of the network, the best first; nothing where it was not measured."""
    network, measure = result.row(NETWORK), table.decisive
    if network is None or measure not in network.measures:
        return ""
    rivals = [row for row in result.rows if row.kind == "baseline" and measure in row.measures]
    ahead = [row for row in rivals if catalogue.better(measure, row.measures[measure], network.measures[measure])]
    ahead.sort(key=lambda row: row.measures[measure], reverse=not catalogue.base(measure).lower)
    return f"{language.ahead(measure, [row.name for row in ahead])} "


def write(root: Path, tables: Mapping[str, TableResult]) -> list[Path]:
    """Puts the tables into the READMEs below `root` that there are, and returns their paths.

    Raises:
        TrainingError: a README has no place for them.
    """
    written = []
    for name, language in READMES.items():
        path = root / name
        if path.is_file():
            path.write_text(filled(path.read_text(encoding="utf-8"), tables, language, where=name), encoding="utf-8")
            written.append(path)
    return written


def filled(text: str, tables: Mapping[str, TableResult], language: Language, *, where: str) -> str:
    """A README's text with the tables in their places."""
    for name, table in TABLES.items():
        text = markdown.included(text, name, part(table, tables.get(name), language), where=where)
    return text
