"""What was found in a recording, as a short table for the person who asked."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

from aiot_anomaly.datasets.first_profile import First


def told(first: First, out: Path) -> str:
    """The findings, and what to do next.

    Args:
        first: the proposal.
        out: where it was written.
    """
    found, layout, profile = first.found, first.layout, first.profile
    longest = int(found.runs.max(initial=0))
    when = layout.timestamp if isinstance(layout.timestamp, str) else " + ".join(layout.timestamp)
    start, end = (f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d %H:%M:%S}" for t in (found.start, found.end))
    rows = {
        "rows": f"{found.rows:,} of {len(found.devices)} device(s)"
        + (f", by {layout.device!r}" if layout.device else ""),
        "time": f"{when!r}, {start} to {end} UTC",
        "interval": f"{found.interval_s} s; {found.off_grid:.1%} of the rows off the grid, {found.doubles:,} doubles, "
        f"{found.unsorted:,} out of order",
        "gaps": f"{found.missing:.1%} of the grid has no row; longest hole of a sensor {longest:,} intervals, "
        f"filled up to {profile.imputation.longest_gap}",
        "sensors": f"{len(profile.sensors)}: {_listed([s.name for s in profile.sensors])}",
        "renamed": _listed([f"{c!r} is {n}" for n, c in layout.columns.items()]),
        "drifts, counts": _listed([d.sensor for d in profile.derived]) + " (judged by change)"
        if profile.derived
        else "",
        "left out": _listed([f"{c!r} {why}" for c, why in found.left_out.items()]),
        "label": "none: metrics that need labels are left out"
        if found.anomalous is None
        else f"{layout.label!r}: {found.anomalous:.1%} of the rows are anomalous"
        + (f" (not {layout.label_normal!r})" if layout.label_normal else ""),
        "season": profile.season.kind,
        "training": f"the first {layout.train_until:.0%} of the rows, taken as normal"
        if isinstance(layout.train_until, float)
        else f"until {layout.train_until}",
        "window": f"{profile.span:,} intervals; decided at every {_nth(profile.window.stride)}",
    }
    width = max(len(name) for name in rows)
    lines = [f"{name:<{width}}  {text}" for name, text in rows.items() if text]
    lines += [f"note: {note}" for note in first.notes]
    train = f"make train DATA={shlex.quote(str(found.path))} PROFILE={shlex.quote(str(out))}"
    lines += ["", f"written: {out}. Look at it, then: {train}"]
    return "\n".join(lines)


def _listed(items: list[str], most: int = 8) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


def _nth(stride: int) -> str:
    return "interval" if stride == 1 else f"{stride}th interval"
