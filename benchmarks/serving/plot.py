"""The picture of the results."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.serving.results import ModelResult, Results

_OURS, _THEIRS = "#1f77b4", "#b5bcc4"


def draw(results: Results, path: Path) -> None:
    """Writes a PNG: for each model with several peers, requests a second and p99 over 16 connections."""
    models = [m for m in results.models if len(m.servers) > 2] or results.models
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 0.6 + 2.9 * len(models)), layout="constrained")
        for row, axes in zip(models, figure.subplots(len(models), 2, squeeze=False), strict=True):
            _model(row, axes[0], axes[1])
        figure.savefig(path, dpi=110, metadata={"Software": None})


def _model(model: ModelResult, rates: Axes, tails: Axes) -> None:
    found = [(s.title, s.closed[16]) for s in model.servers][::-1]
    titles = [title for title, _ in found]
    colours = [_OURS if i == len(found) - 1 else _THEIRS for i in range(len(found))]
    _bars(rates, titles, [load.rate for _, load in found], colours, "")
    rates.set_title(f"{model.title}\nrequests a second, 16 connections", loc="left")
    _bars(tails, titles, [load.p99_ms or np.nan for _, load in found], colours, " ms")
    tails.set_title("\n99th percentile of the latency", loc="left")
    tails.set_yticklabels([])


def _bars(axes: Axes, titles: list[str], values: list[float], colours: list[str], unit: str) -> None:
    bars = axes.barh(titles, values, color=colours)
    axes.bar_label(bars, [f"{v:,.0f}{unit}" if v >= 100 else f"{v:.1f}{unit}" for v in values], padding=3)
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:,g}")
