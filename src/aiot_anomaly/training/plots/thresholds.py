"""Pictures of thresholds and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from aiot_anomaly.series import Float
from aiot_anomaly.training.plots.canvas import BLUE, CYCLE, GREY, ORANGE, RED, names
from aiot_anomaly.training.thresholds.cost import FALSE, MISSED
from aiot_anomaly.training.thresholds.peaks import Tail

_STYLES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def _rules(axis: Any, values: Mapping[str, float], chosen: str) -> None:
    """A line a rule; the profile's is drawn through."""
    for i, (name, value) in enumerate(values.items()):
        own = name == chosen
        axis.axvline(
            value,
            color=RED if own else CYCLE[(i + 1) % len(CYCLE)],
            ls="-" if own else _STYLES[i % len(_STYLES)],
            lw=2 if own else 1.3,
            label=f"{name}{', the profile’s' if own else ''}: {value:.3g}",
        )


def held_back_scores(scores: Float, values: Mapping[str, float], chosen: str) -> Figure:
    """The distribution of held-back normal scores and where each rule's threshold lies."""
    figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
    axis.hist(scores, bins=80, color=BLUE, alpha=0.8)
    _rules(axis, values, chosen)
    axis.set(xlabel="raw score", ylabel="windows (log scale)", yscale="log")
    axis.set_title(f"{len(scores):,} held-back normal windows, and where an alarm begins", fontsize=10)
    axis.legend(fontsize=8)
    return figure


def tails(scores: Float, tail: Tail | None, values: Mapping[str, float], chosen: str) -> Figure:
    """How many normal windows lie above each score, and the tail that peaks over threshold fits to them."""
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    ordered = np.sort(scores)
    axis.plot(ordered, 1 - np.arange(len(ordered)) / len(ordered), color=BLUE, lw=1.5, label="held-back windows")
    if tail is not None:
        far = np.linspace(tail.start, max(ordered[-1], *values.values()) * 1.05, 200)
        axis.plot(far, tail.beyond(far), color="black", lw=1.2, label=f"Pareto tail, shape {tail.shape:.2f}")
    _rules(axis, values, chosen)
    axis.set(xlabel="raw score", ylabel="share of normal windows above it", yscale="log", ylim=(0.2 / len(scores), 1.3))
    axis.set_title("A steep line at a threshold: a little bad luck would have moved it a lot", fontsize=10)
    axis.legend(fontsize=8)
    return figure


def budget(false: pd.DataFrame, values: Mapping[str, float], chosen: str, months: float) -> Figure:
    """Incidents a device and month on normal windows at each threshold: `cost.false_alarms`."""
    figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
    axis.step(false.index, false[FALSE], where="mid", color=BLUE, label="held-back windows")
    _rules(axis, values, chosen)
    one = 1 / max(months, 1e-9)
    axis.axhline(one, color=GREY, ls="--", lw=1, label=f"one incident in these {months:.2g} device months")
    axis.set_yscale("symlog", linthresh=one)
    axis.set(xlabel="raw score", ylabel="false incidents\na device and month", ylim=(0, None))
    axis.set_xlim(right=1.3 * max(values.values()))
    axis.set_title("The alarm budget: what a threshold costs an operator", fontsize=10)
    axis.legend(fontsize=8)
    return figure


def own_against_fleet(table: pd.DataFrame) -> Figure:
    """Each device's normal windows by its own calibration and by the fleet's: `fallback.beside`."""
    n = len(table)
    figure, axis = plt.subplots(figsize=(8, min(0.2 * n, 9) + 1.5), layout="constrained")
    at = np.arange(n)
    axis.hlines(at, table["99 %, own"], table["99 %, fleet"], color=GREY, lw=1)
    axis.plot(table["99 %, own"], at, "o", color=BLUE, ms=5, label="own calibration")
    axis.plot(table["99 %, fleet"], at, "s", color=ORANGE, ms=5, label="the fleet's")
    axis.axvline(1.0, color=RED, lw=1.5, label="threshold")
    names(axis, [str(d) for d in table.index], which="y")
    axis.invert_yaxis()
    axis.set_xscale("symlog", linthresh=1)
    far = float(np.nanmax(table[["99 %, own", "99 %, fleet"]].to_numpy(), initial=1.0))
    ticks = [t for t in (0, 0.25, 0.5, 0.75, 1, 2, 5, 10, 30, 100, 300, 1000) if t <= max(1, far)]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.set(xlim=(0, None), xlabel="99 % of the device's normal scores lie below [thresholds; above 1 log scale]")
    axis.set_title("What a device gains from a calibration of its own", fontsize=10)
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def missed_by_size(missed: pd.DataFrame, above: pd.Series, chosen: float) -> Figure:
    """The cost curve of injected deviations: missed ones against normal windows above the threshold.

    Args:
        missed: of `cost.missed_deviations`.
        above: share of normal windows above the same thresholds.
        chosen: the threshold of `missed`'s index that is marked.
    """
    figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for i, size in enumerate(missed.columns):
        axis.plot(above, missed[size], color=CYCLE[i % len(CYCLE)], marker=".", ms=4, label=f"{size:g}")
        axis.plot(above[chosen], missed[size][chosen], "o", color=CYCLE[i % len(CYCLE)], ms=9, mfc="white", mew=2)
    positive = above[above > 0]
    least = float(positive.min()) if len(positive) else 1e-3
    axis.set_xscale("symlog", linthresh=least)
    axis.set(xlabel="share of normal windows above the threshold", ylabel="share of deviations that is missed")
    axis.set(xlim=(-0.3 * least, None), ylim=(-0.03, 1.03))
    axis.set_title("Injected deviations that are missed, and what it costs to miss fewer", fontsize=10)
    axis.legend(
        title="deviation [smallest\nworth an alarm];\ncircle: the threshold",
        fontsize=8,
        title_fontsize=8,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )
    return figure


def cost(curve: pd.DataFrame, value: float) -> Figure:
    """The cost curve of labelled events in the validation part: `cost.by_events`."""
    figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    axis.plot(curve[FALSE], curve[MISSED], color=BLUE, marker=".", label="other thresholds")
    at = curve.index[int(np.argmin(np.abs(curve.index.to_numpy(dtype=float) - value)))]
    axis.plot(curve[FALSE][at], curve[MISSED][at], "o", color=RED, ms=10, mfc="white", mew=2, label=f"{value:.3g}")
    axis.set(xlabel=FALSE, ylabel="share of events missed", ylim=(-0.03, 1.03))
    axis.set_xscale("symlog", linthresh=0.1)
    axis.set_xlim(left=-0.03)
    axis.set_title("Labelled events of the validation part: missed against false alarms", fontsize=10)
    axis.legend(fontsize=8)
    return figure
