"""The results' pictures: each function takes data and returns a matplotlib figure.

The colours are those of Okabe & Ito (2008), which people who see colours differently can tell apart; lines differ in
their stroke and marks as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.figure import Figure

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.evaluation import Scored, incidents

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"),
)
#: of the rivals; the network is blue and thick
RIVALS = ((ORANGE, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (SKY, "--", "v"), (BLACK, "-.", "x"))
DPI = 100
#: points of a curve that an eye can tell apart
POINTS = 400


def save(figure: Figure, path: Path) -> None:
    """Writes a picture, small and without the time at which it was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def precision_recall(curves: Mapping[str, Sequence[Scored]]) -> Figure:
    """Precision against recall over all rows; the first curve is the network's."""
    figure, axis = _figure(6.4, 4.6)
    for name, scored, style in _styled(curves):
        recall, precision = _curve(scored)
        axis.plot(recall, precision, label=name, **{**style, "marker": None})
    share = float(np.mean(np.concatenate([s.labels for s in next(iter(curves.values()))])))
    axis.axhline(share, color="#999999", lw=1, label=f"chance ({share:.2f})")
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axis.set_title("Precision and recall over all rows of the test part", fontsize=10)
    axis.legend(fontsize=8, loc="lower left")
    return figure


def by_size(found: Mapping[str, Mapping[float, float]], chance: float | None) -> Figure:
    """The share of the events of each size that was found; the first curve is the network's."""
    figure, axis = _figure(6.4, 5.0)
    for name, shares, style in _styled(found):
        axis.plot([100 * size for size in shares], [100 * v for v in shares.values()], label=name, **style)
    if chance is not None:
        axis.axhline(100 * chance, color="#999999", lw=1, label="chance of the network: clean weeks that alarm")
    sizes = sorted({size for shares in found.values() for size in shares})
    axis.set_xscale("log")
    axis.set_xticks([100 * s for s in sizes], [f"{100 * s:g} %" for s in sizes])
    axis.minorticks_off()
    axis.set(xlabel="size of the leak, share of the mean inflow", ylabel="found [%]", ylim=(-2, 104))
    axis.set_title("How small an event is found", fontsize=10)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    return figure


def bars(values: Mapping[str, Mapping[str, float]], *, title: str, label: str, least: float = 0.0) -> Figure:
    """Bars of each group, one for each name; the first is the network's. `values` is by name, then by group."""
    groups = list(dict.fromkeys(group for of in values.values() for group in of))
    figure, axis = _figure(max(6.4, 1.1 * len(groups) + 1), 4.0)
    width = 0.8 / len(values)
    hatches = cycle(("", "//", "..", "xx", "\\\\", "++"))
    for i, (name, of, style) in enumerate(_styled(values)):
        at = np.arange(len(groups)) + (i - (len(values) - 1) / 2) * width
        heights = [of.get(group, np.nan) for group in groups]
        axis.bar(at, heights, width, label=name, color=style["color"], hatch=next(hatches), edgecolor="white")
    axis.set_xticks(np.arange(len(groups)), groups)
    axis.set(ylabel=label, ylim=(least, None))
    axis.set_title(title, fontsize=10)
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    return figure


def timeline(profile: Profile, device: Device, scored: Scored, event: tuple[int, int], hours: float) -> Figure:
    """One event: the first sensor, the score against the threshold, what happened and when an operator was told."""
    middle = (event[0] + min(event[1], event[0] + int(hours * 1800))) // 2
    start, end = middle - int(hours * 1800), middle + int(hours * 1800)
    times = (device.series.first_slot + np.arange(len(device.series))) * profile.interval_s
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    seen, judged = (times >= start) & (times <= end), (scored.ends >= start) & (scored.ends <= end)
    sensor = profile.sensors[0] if profile.season.kind != "none" else profile.sensors[-1]
    measured = device.series.values[seen, profile.sensors.index(sensor)]
    upper.plot(_dates(times[seen]), measured, color=BLACK, lw=0.8)
    upper.set(ylabel=f"{sensor.name}\n[{sensor.unit}]")
    lower.plot(_dates(scored.ends[judged]), scored.scores[judged], color=BLUE, lw=1.3, label="score")
    lower.axhline(1.0, color=VERMILION, ls="--", lw=1.2, label="threshold")
    lower.set(ylabel="score", ylim=(0, None), xlabel="time (UTC)")
    for axis in (upper, lower):
        for i, (first, last) in enumerate(e for e in scored.events() if e[1] >= start and e[0] <= end):
            axis.axvspan(*_dates(np.clip([first, last], start, end)), color=ORANGE, alpha=0.25, lw=0)
            if axis is lower and i == 0:
                axis.fill_between([], [], color=ORANGE, alpha=0.25, label="what really happened")
    told = [opened for opened, _ in incidents(profile, scored) if start <= opened <= end]
    for i, opened in enumerate(told):
        lower.axvline(_dates([opened])[0], color=GREEN, ls=":", lw=2, label="an incident opens" if i == 0 else None)
    lower.legend(fontsize=8, loc="upper left")
    locator = mdates.AutoDateLocator()  # type: ignore[no-untyped-call] # matplotlib's
    lower.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    lower.xaxis.set_major_locator(locator)
    upper.set_title(f"{device.device_id}: one event, from its beginning to the incident", fontsize=10)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axis = figure.subplots()
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    return figure, axis


def _styled(curves: Mapping[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    rivals = cycle(RIVALS)
    styled = []
    for i, (name, of) in enumerate(curves.items()):
        colour, line, mark = (BLUE, "-", "o") if i == 0 else next(rivals)
        style = {"color": colour, "linestyle": line, "marker": mark, "markersize": 5, "lw": 2.4 if i == 0 else 1.5}
        style["zorder"] = 3 if i == 0 else 2
        styled.append((name, of, style))
    return styled


def _curve(scored: Sequence[Scored]) -> tuple[Float, Float]:
    labels = np.concatenate([s.labels for s in scored])
    scores = np.concatenate([np.nan_to_num(s.scores, nan=0.0) for s in scored])
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(labels[order])[last]
    recall, precision = hits / max(1, int(hits[-1])), hits / (last + 1)
    thinned = np.unique(np.searchsorted(recall, np.linspace(0, 1, POINTS)).clip(0, len(recall) - 1))
    return recall[thinned], precision[thinned]


def _dates(seconds: Any) -> Any:
    return np.asarray(seconds, dtype=np.int64).astype("datetime64[s]")
