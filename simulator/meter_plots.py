"""Pictures of simulated electricity meters: each function takes meters and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from simulator import drawing
from simulator.clock import DAY_S
from simulator.meters import HOUR_S, Meter

#: what a meter reports in place of the consumption
REPORTED = {
    "h1": "one share of each hour",
    "h2": "nothing for some hours",
    "h3": "another share each hour",
    "h4": "random shares of the day's mean",
    "h5": "the day's mean",
    "h6": "the day backwards",
    "bypass": "without what runs around the meter",
    "stuck": "the last reading again",
    "dead": "zero",
    "silent": "nothing is sent",
}


def consumers(meters: Sequence[Meter]) -> Figure:
    """A row a consumer: what it draws, with the weekends shaded."""
    figure, axes = plt.subplots(
        len(meters),
        1,
        figsize=(drawing.WIDTH, 1.6 * len(meters) + 0.4),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, meter in zip(axes[:, 0], meters, strict=True):
        axis.step(drawing.times(meter.timestamps), meter.consumed, where="post", color=drawing.USUAL, lw=1.2)
        for day in np.unique(meter.timestamps // DAY_S):
            if (day + 3) % 7 >= 5:
                axis.axvspan(*drawing.times(np.array([day, day + 1]) * DAY_S), color=drawing.QUIET, alpha=0.25, lw=0)
        days = (meter.timestamps[-1] + HOUR_S - meter.timestamps[0]) / DAY_S
        total = f"{np.nansum(meter.consumed):,.0f} kWh in {days:.0f} days"
        axis.set_title(f"{meter.kind}: {total}", loc="left", fontsize=10)
        axis.set(ylabel="kWh in an hour", ylim=(0, None))
        axis.grid(alpha=0.25)
    drawing.dates(axes[-1, 0])
    return figure


def frauds(meters: Sequence[Meter], *, before_s: int = 3 * DAY_S, after_s: int = 4 * DAY_S) -> Figure:
    """A small picture a meter: what was consumed (filled) and what was metered, around the start of its fraud."""
    rows = -(-len(meters) // 2)
    figure, axes = plt.subplots(
        rows,
        2,
        figsize=(drawing.WIDTH, 1.9 * rows + 0.4),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for spare in axes.flat[len(meters) :]:
        spare.set_visible(False)
    for axis, meter in zip(axes.flat, meters, strict=False):
        fraud = next(t for t in meter.truth if t.anomalous)
        shown = (meter.timestamps >= fraud.start - before_s) & (meter.timestamps < fraud.start + after_s)
        times = drawing.times(meter.timestamps[shown])
        axis.fill_between(
            times, meter.consumed[shown], step="post", color=drawing.USUAL, alpha=0.3, lw=0, label="consumed"
        )
        axis.step(times, meter.metered[shown], where="post", color=drawing.CHANGED, lw=1.4, label="metered")
        axis.axvline(drawing.times(np.array([fraud.start]))[0], color="black", ls="--", lw=1)
        lost = f"{drawing.percent(abs(fraud.size))} {'not metered' if fraud.size > -0.005 else 'metered in excess'}"
        axis.set_title(f"{fraud.kind} ({REPORTED[fraud.kind]}): {lost}", loc="left", fontsize=10)
        axis.grid(alpha=0.25)
    for axis in axes[:, 0]:
        axis.set_ylabel("kWh in an hour")
    axes.flat[min(len(meters), 2) - 1].legend(
        frameon=False, fontsize=8, ncols=2, loc="lower right", bbox_to_anchor=(1, 0.98)
    )
    for axis in axes[-1]:
        drawing.dates(axis)
    return figure
