"""The demo's report: one HTML file with its pictures inside."""

from __future__ import annotations

import base64
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl

mpl.use("Agg")  # no screen is needed, and none may be there

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from aiot_anomaly.profile import Profile
from functions.store import Totals
from local import summary
from local.story import Part
from local.summary import DeviceSummary

BLUE, ORANGE, RED, GREEN = "#2f5f9e", "#e08a1e", "#c8334a", "#3b8f5a"
#: points of a line that a screen can still tell apart
MOST_POINTS = 1500


@dataclass(frozen=True)
class Report:
    """What the demo found, ready to be written.

    Attributes:
        parts: what was sent.
        devices: by profile, what was told of each device.
        totals: where every reading went.
        sent_rows: readings that were published.
        sent_poison: spoilt messages that were published.
        latency: percentiles in milliseconds.
        latencies: seconds, of each decision at the steady rate.
        pubsub_kind: "official" or "embedded".
        seconds: how long the demo took.
    """

    parts: Sequence[Part]
    devices: Mapping[str, Sequence[DeviceSummary]]
    totals: Totals
    sent_rows: int
    sent_poison: int
    latency: Mapping[str, float]
    latencies: Sequence[float]
    pubsub_kind: str
    seconds: float

    def write(self, path: Path) -> None:
        """Writes the HTML file, and its pictures once more into the folder of the same name."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
        )
        pictures = path.with_suffix("")
        pictures.mkdir(parents=True, exist_ok=True)
        html = environment.get_template("report.html.j2").render(
            report=self,
            when=datetime.now(UTC),
            machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            profiles={p.profile.name: p.profile for p in self.parts},
            picture=lambda d, profile: _png(device_figure(profile, d), pictures / f"{d.device_id}.png"),
            latency_picture=_png(latency_figure(self.latencies), pictures / "latency.png") if self.latencies else "",
            duration=summary.duration,
        )
        path.write_text(html, encoding="utf-8")


def device_figure(profile: Profile, device: DeviceSummary) -> Figure:
    """Each sensor with its expected band, and the score against the threshold; incidents against truth."""
    n = len(profile.sensors)
    heights = [*[1.0] * n, 1.6]
    figure, axes = plt.subplots(
        n + 1, 1, figsize=(11, 0.95 * n + 1.9), sharex=True, height_ratios=heights, layout="constrained"
    )
    shown = device.decisions[:: max(1, len(device.decisions) // MOST_POINTS)]
    times = [d.window_end for d in shown]
    for axis, sensor in zip(axes[:-1], profile.sensors, strict=True):
        name = sensor.name
        values = [np.nan if (v := d.values.get(name)) is None else v for d in shown]
        axis.fill_between(
            times,
            [d.expected[name].lower for d in shown],
            [d.expected[name].upper for d in shown],
            color=GREEN,
            alpha=0.3,
            lw=0,
            label="expected",
        )
        axis.plot(times, [d.expected[name].value for d in shown], color=GREEN, lw=1.0)
        axis.plot(times, values, color=BLUE, lw=0.8, label="measured")
        axis.set_ylabel(f"{name}\n[{sensor.unit}]", fontsize=7, rotation=0, ha="right", va="center")
        axis.tick_params(labelsize=7)
    score = axes[-1]
    score.plot(times, [d.score for d in shown], color=BLUE, lw=0.8, label="score")
    score.axhline(1.0, color=RED, lw=1, ls="--", label="threshold")
    score.set_ylabel("score", fontsize=8)
    _mark(axes, device)
    axes[0].legend(loc="upper left", fontsize=7, ncols=2)
    score.legend(loc="upper left", fontsize=7, ncols=4)
    locator = mdates.AutoDateLocator()  # type: ignore[no-untyped-call] # matplotlib publishes no type here
    score.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # as above
    return figure


def _mark(axes: Any, device: DeviceSummary) -> None:
    for i, event in enumerate(device.events):
        span = [datetime.fromtimestamp(t, UTC) for t in (event.start, event.end)]
        for axis in axes:
            label = "what happened" if i == 0 and axis is axes[-1] else None
            axis.axvspan(span[0], span[1], color=RED, alpha=0.10, lw=0, label=label)
    for i, incident in enumerate(device.incidents):
        axes[-1].axvspan(
            incident.opened,
            incident.last,
            ymax=0.06,
            color=ORANGE,
            alpha=0.9,
            lw=0,
            label="incident" if i == 0 else None,
        )


def latency_figure(seconds: Sequence[float]) -> Figure:
    """How long decisions took at the steady rate."""
    figure, axis = plt.subplots(figsize=(7, 2.4), layout="constrained")
    axis.hist(np.array(seconds) * 1e3, bins=60, color=BLUE)
    for name, value in summary.percentiles(seconds).items():
        axis.axvline(value, color=RED, lw=1, ls="--")
        axis.annotate(name, (value, 1.01), xycoords=("data", "axes fraction"), color=RED, fontsize=8, ha="center")
    axis.set(xlabel="from publishing a reading to its decision [ms]", ylabel="readings")
    return figure


def _png(figure: Figure, path: Path) -> str:
    figure.savefig(path, dpi=85)
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
