"""What all pictures share: colours, axes of time, small pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from aiot_anomaly.series import Float, Int

BLUE, ORANGE, RED, GREEN, PURPLE, SKY, GREY = (
    *("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8C8C8C"),
)
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, "#000000", GREY)
#: points that a line is drawn of; of more, the lowest and highest of each stretch
MOST_POINTS = 6000
#: small pictures in one figure, names along one axis
MOST_PANELS, MOST_NAMES = 24, 40


def times(seconds: Int) -> Any:
    """(n,) seconds since 1970 as what matplotlib takes."""
    return seconds.astype("datetime64[s]")


def dates(axis: Any) -> None:
    """Labels an axis of time as shortly as it can be."""
    formatter = mdates.ConciseDateFormatter(axis.xaxis.get_major_locator())  # type: ignore[no-untyped-call] # matplotlib's
    axis.xaxis.set_major_formatter(formatter)


def shade(axis: Any, events: Sequence[tuple[int, int]], label: str) -> None:
    """Shades stretches of time, given by their first and last second."""
    for i, (start, end) in enumerate(events):
        axis.axvspan(*times(np.array([start, end])), color=ORANGE, alpha=0.25, lw=0, label=label if i == 0 else None)


def panels(n: int, *, sharex: bool = False, sharey: bool = False, height: float = 2.1) -> tuple[Figure, list[Any]]:
    """A figure with `n` small pictures, four in a row."""
    columns = min(n, 4)
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(max(3.2 * columns, 5.0), height * rows + 0.5),
        sharex=sharex,
        sharey=sharey,
        squeeze=False,
        layout="constrained",
    )
    for spare in axes.flat[n:]:
        spare.set_visible(False)
    return figure, list(axes.flat[:n])


def envelope(at: Int, values: Float) -> tuple[Int, Float]:
    """At most about MOST_POINTS points of a line (n,) that look like it: each stretch's lowest and highest."""
    step = -(-2 * len(values) // MOST_POINTS)
    if step <= 2:
        return at, values
    n = len(values) // step * step
    blocks = values[:n].reshape(-1, step)
    hollow = np.isnan(blocks)
    low, high = np.where(hollow, np.inf, blocks).argmin(axis=1), np.where(hollow, -np.inf, blocks).argmax(axis=1)
    rows = np.sort(np.stack([low, high], axis=1), axis=1) + step * np.arange(len(blocks))[:, None]
    return at[rows.ravel()], values[rows.ravel()]


def names(axis: Any, labels: Sequence[str], *, which: str = "both") -> None:
    """Names along the axes of a matrix; of many only some, so that they can be read."""
    step = -(-len(labels) // MOST_NAMES)
    ticks = range(0, len(labels), step)
    if which in {"both", "x"}:
        axis.set_xticks(ticks, [labels[i] for i in ticks], rotation=60, ha="right", fontsize=7)
    if which in {"both", "y"}:
        axis.set_yticks(ticks, [labels[i] for i in ticks], fontsize=7)
