"""The picture of the results."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.stream.results import SQLITE, Results, Step

_OURS, _THEIRS = "#1f77b4", "#b5bcc4"
_COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#D55E00", "#8C8C8C", "#F0E442", "#000000")


def draw(results: Results, path: Path) -> None:
    """Writes a PNG: rates, where the time goes, and what more devices change."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 6.4), layout="constrained")
        (rates, latencies), (steps, grown) = figure.subplots(2, 2)
        _rates(rates, results)
        _latencies(latencies, results)
        _steps(steps, results.steps)
        _grown(grown, results)
        figure.savefig(path, dpi=110, metadata={"Software": None})


def _rates(axes: Axes, results: Results) -> None:
    names = list(results.single)[::-1]
    values = [results.single[name].messages_per_s for name in names]
    bars = axes.barh(names, values, color=[_OURS if name == SQLITE else _THEIRS for name in names])
    axes.bar_label(bars, [f"{v:,.0f}" for v in values], padding=3)
    axes.margins(x=0.15)
    axes.set_title("messages a second, one reading each", loc="left")


def _latencies(axes: Axes, results: Results) -> None:
    names = list(results.latencies)[::-1]
    for shift, quantile, colour in ((0.25, "p50_ms", "#56B4E9"), (0.0, "p95_ms", _OURS), (-0.25, "p99_ms", "#08306b")):
        values = [getattr(results.latencies[name], quantile) for name in names]
        bars = axes.barh(np.arange(len(names)) + shift, values, 0.24, color=colour, label=quantile[:3])
        axes.bar_label(bars, [f"{v:,.0f} ms" for v in values], padding=3, fontsize=7)
    axes.set_yticks(np.arange(len(names)), names)
    axes.margins(x=0.15)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title("from publish to decision, at 60 % of the rate", loc="left")


def _steps(axes: Axes, found: dict[str, list[Step]]) -> None:
    names = [step.name for step in next(iter(found.values()))]
    left = np.zeros(len(found))
    for name, colour in zip(names, _COLOURS, strict=False):
        wide = np.array([next((s.wall_ms for s in steps if s.name == name), 0.0) for steps in found.values()])
        axes.barh(list(found), wide, left=left, color=colour, label=name)
        left += wide
    axes.invert_yaxis()
    axes.legend(frameon=False, ncols=3, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    axes.set_title("where the time of a message goes, ms", loc="left")


def _grown(axes: Axes, results: Results) -> None:
    devices = [size.devices for size in results.grown]
    rates = [size.rate.messages_per_s for size in results.grown]
    p50 = [size.latency.p50_ms for size in results.grown]
    axes.plot(devices, np.array(rates) / rates[0], "o-", color=_OURS, label="messages a second")
    axes.plot(devices, np.array(p50) / p50[0], "s--", color="#E69F00", label="median latency")
    axes.axhspan(0.9, 1.1, color="#eeeeee", zorder=0)
    axes.set_xscale("log")
    axes.set_ylim(0, max(2.0, *(p / p50[0] for p in p50)))
    axes.legend(frameon=False)
    axes.set_title("with more devices stored, by the fewest (SQLite)", loc="left")
    axes.set_xlabel("devices")
