"""Which pictures a table has: chosen from what was measured, in the same way each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from aiot_anomaly.training.benchmark import pictures
from aiot_anomaly.training.benchmark.catalogue import AT
from aiot_anomaly.training.benchmark.contest import Contest
from aiot_anomaly.training.benchmark.results import Row
from aiot_anomaly.training.benchmark.tables import NETWORK
from aiot_anomaly.training.evaluation import incidents

#: rows that only show what a figure is worth
WORTHLESS = frozenset({"position only", "random", "every row an alarm"})
#: rows that are always drawn
ALWAYS = ("PCA autoencoder", "no network")
MOST_CURVES = 5

Pictures = dict[str, tuple[str, Figure]]


def of(contest: Contest, rows: Sequence[Row]) -> Pictures:
    """The pictures by name: what each shows, and the figure."""
    names = rivals(rows)
    found: Pictures = {}
    by_row = contest.by_row()
    shown = contest.shown()
    network = f"{NETWORK}, {shown.row}" if shown.kind == "bundle" else shown.name
    curves = {network: shown.rows} | {name: by_row[name][0].rows for name in names}
    found["precision-recall"] = (
        "Precision against recall over all rows of the test part",
        pictures.precision_recall(curves),
    )
    if contest.table.sizes:
        sizes = {
            row.name: {
                s: row.measures[f"found{AT}{s:g}"] for s in contest.table.sizes if f"found{AT}{s:g}" in row.measures
            }
            for row in sorted((r for r in rows if r.name in (NETWORK, *names)), key=lambda r: r.name != NETWORK)
        }
        if any(sizes.values()):
            figure = pictures.by_size(sizes, rows[0].measures.get("chance"))
            found["found-by-size"] = ("Share of the leaks found, by their size", figure)
    detection = _detection(contest)
    if detection is not None:
        found["timeline"] = ("An event as it was measured, scored and told", detection)
    return found


def rivals(rows: Sequence[Row]) -> list[str]:
    """The baselines that are drawn: those closest to the network, and the best of the others by AUC-PR."""
    ranked = sorted(
        (r for r in rows if r.kind == "baseline" and r.name not in WORTHLESS and "auc_pr" in r.measures),
        key=lambda r: -r.measures["auc_pr"],
    )
    always = [r.name for r in ranked if r.name in ALWAYS]
    others: list[str] = []
    seen: set[float] = set()
    for row in ranked:  # the same scores at another threshold have the same curve
        if row.name not in ALWAYS and row.measures["auc_pr"] not in seen:
            others.append(row.name)
            seen.add(row.measures["auc_pr"])
    return (always + others)[:MOST_CURVES]


def _detection(contest: Contest) -> Figure | None:
    """The event whose delay is the median of all that were found."""
    entry, found = contest.shown(), []
    for i, scored in enumerate(entry.scored):
        opened = np.array([start for start, _ in incidents(contest.profile, scored)], dtype=np.int64)
        for start, end in scored.events():
            inside = opened[(opened >= start) & (opened <= end)]
            if len(inside):
                found.append((int(inside[0]) - start, i, (start, end)))
    if not found:
        return None
    _, at, event = sorted(found)[len(found) // 2]
    device = contest.dataset.monitored()[at]
    return pictures.timeline(contest.profile, device, entry.scored[at], event, contest.table.timeline_h)
