"""`docs/results.md`: all figures, the goals, what was tried, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aiot_anomaly.training.benchmark import markdown, provenance
from aiot_anomaly.training.benchmark.results import Row, TableResult, Verdict, folder
from aiot_anomaly.training.benchmark.tables import BUNDLE, TABLES, Table
from aiot_anomaly.training.benchmark.words import ENGLISH

HEAD = """# Results

How well the LSTM autoencoders find what they are there for, beside every simple method. `make benchmark` makes all of
it anew; `make benchmark-skab`, `benchmark-leak` and `benchmark-fraud` one table each. The same command on the same data
gives the same figures to within .005, on one machine. In machine-readable form: `docs/results/<table>.json`, and their
union as `reports/quality.json`.

How to read the tables:

- Scores are causal: each from what was known at that time. Thresholds are set from held-back normal rows, by one rule
  for all, never from the data that is scored; labels enter the metrics only.
- **LSTM autoencoder** is the mean of several trainings that differ in their seed, with the lowest and the highest
  below, and the middle 95 % if other devices had been watched (a bootstrap over whole devices). *Bundle in service* is
  the committed model itself, scored by its own ONNX graph with its own threshold.
- *PCA autoencoder* and *no network* have the network's calibration and scoring, and only the model differs: a linear
  one, or none. *Position only*, *random* and *every row an alarm* look at no reading: what a figure is worth.
- AUC-ROC, AUC-PR (average precision), F1, FAR (false alarms, share of the normal rows) and MAR (missed, share of the
  anomalous rows) are pooled over the rows of all devices; VUS-PR, the volume under the surface of precision, recall and
  tolerance, is the mean over devices. *Network ahead* is the share of resamples in which its AUC-PR, the mean of its
  seeds, is higher than this row's on the same devices.
- An event is found by an incident that opens in it, and not before; the delay is from its beginning to the incident.
  *Chance* is the share of seven-day windows without an event in which an incident opens. A false incident opens in no
  event. What is lost is counted from an event's beginning to its incident, or to its end.
"""


def text(root: Path, tables: Mapping[str, TableResult]) -> str:
    """The whole document; the notes are read from `docs/results/notes-<table>.md` below `root`."""
    parts = [HEAD.strip()]
    for name, table in TABLES.items():
        parts.append(f"## {table.title}")
        if name in tables:
            parts += _table(root, table, tables[name])
        else:
            parts += [f"Not measured yet: `make benchmark-{name}`.", *_notes(root, name)]
    return "\n\n".join(parts) + "\n"


def write(root: Path, tables: Mapping[str, TableResult]) -> Path:
    """Writes the document below `root`, and returns its path."""
    path = root / "docs" / "results.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(root, tables), encoding="utf-8")
    return path


def _table(root: Path, table: Table, result: TableResult) -> list[str]:
    counts = result.counts
    tested = ENGLISH.tested(
        devices=counts.devices,
        teachers=counts.teachers,
        events=counts.events,
        rows=counts.rows,
        share=counts.anomalous / max(1, counts.rows),
    )
    shown = {name: f"![{title}](results/{table.name}-{name}.png)" for name, title in result.pictures.items()}
    return [
        tested,
        "### By the row",
        figures(table.ranking, result.rows),
        *_adjusted(result),
        *_published(table),
        "### By the event, as an operator feels it",
        figures(table.operator, result.rows),
        *_groups(result),
        *shown.values(),
        *([result.section.strip()] if result.section else []),
        "### Goals",
        goals(result.goals),
        *_notes(root, table.name),
        "### How it was made",
        provenance.text(result),
    ]


def summary(result: TableResult) -> str:
    """A table for a terminal: its columns of the README, and the goals."""
    table = TABLES[result.table]
    return "\n\n".join([f"{table.title}", figures(table.brief, result.rows), goals(result.goals), ""])


def figures(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Measures by row; of a network with its spread and the interval over devices."""
    chosen = [c for c in columns if any(c in row.measures for row in rows)]
    lines = []
    for row in rows:
        lines.append([ENGLISH.row(row.name, len(row.seeds)), *(ENGLISH.cell(c, row.measures.get(c)) for c in chosen)])
        if row.seeds:
            lines.append(["lowest to highest of the seeds", *(_range(c, row.spread(c)) for c in chosen)])
        if row.interval:
            lines.append(["95 % of resampled devices", *(_range(c, row.interval.get(c)) for c in chosen)])
    return markdown.table(["", *(ENGLISH.title(c) for c in chosen)], lines)


def goals(verdicts: Sequence[Verdict]) -> str:
    """Each goal, what was measured, and by how much it was missed."""
    beside = any(v.bundle for v in verdicts)
    head = ["goal", "measured", "met", *([BUNDLE, "met by it"] if beside else [])]
    rows = []
    for v in verdicts:
        own = [v.bundle or "–", _met(v.bundle_met, "")] if beside else []
        rows.append([v.goal, v.measured, _met(v.met, v.missed), *own])
    return "Measured is the mean of the network's seeds.\n\n" + markdown.table(head, rows, text=len(head))


def _met(met: bool | None, missed: str) -> str:
    return {True: "yes", False: f"**no**, {missed}" if missed else "**no**", None: "not measured"}[met]


def _range(measure: str, ends: tuple[float, float] | None) -> str:
    return "–" if ends is None else f"{ENGLISH.cell(measure, ends[0])} to {ENGLISH.cell(measure, ends[1])}"


def _adjusted(result: TableResult) -> list[str]:
    if not result.point_adjusted:
        return []
    reached = ", ".join(f"{name} {value:.3f}" for name, value in result.point_adjusted.items())
    return [
        "Point-adjusted F1, which counts an event as found whole from its first alarm on, is in no table because it "
        f"says nothing: at the best threshold {reached}."
    ]


def _published(table: Table) -> list[str]:
    if not table.published:
        return []
    rows = [[p.name, f"{p.f1:.2f}", f"{p.causal:.3f}"] for p in table.published]
    return ["As published, and the same methods without looking ahead:", markdown.table(["", "F1", "F1, causal"], rows)]


def _groups(result: TableResult) -> list[str]:
    names = list(dict.fromkeys(name for row in result.rows for name in row.groups))
    if not names:
        return []
    parts = ["By group of devices:"]
    columns = list(dict.fromkeys(m for row in result.rows for of in row.groups.values() for m in of))
    rows = [
        [name, ENGLISH.row(row.name), *(ENGLISH.cell(c, row.groups.get(name, {}).get(c)) for c in columns)]
        for name in names
        for row in result.rows
        if row.groups
    ]
    return [*parts, markdown.table(["", "", *(ENGLISH.title(c) for c in columns)], rows, text=2)]


def _notes(root: Path, name: str) -> list[str]:
    path = folder(root) / f"notes-{name}.md"
    return ["### What was tried", path.read_text(encoding="utf-8").strip()] if path.is_file() else []
