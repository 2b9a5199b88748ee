"""Pictures of simulated water districts: each function takes recordings and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording
from simulator import drawing
from simulator.clock import DAY_S
from simulator.district_readings import SENSORS
from simulator.errors import SimulatorError
from simulator.night_flow import NightFlow

#: the five pressures, from dark to light
_PRESSURES = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(SENSORS) - 1))
#: the size of a sensor's fault in its own measure
_FAULT_SIZES = {
    "noise": " of {size:g} {unit}",
    "quantisation": " to {size:g} {unit}",
    "drift": " of {size:+g} {unit} a day",
    "stuck": "",
    "dropout": " of {share} of the readings",
}


@dataclass(frozen=True, eq=False)
class Case:
    """One district twice: as it would have been, and with one thing that happened to it.

    Attributes:
        title: what happened.
        usual: the recording without it.
        changed: the recording with it.
        truth: what is on record of it.
    """

    title: str
    usual: Recording
    changed: Recording
    truth: Truth

    @classmethod
    def of(cls, title: str, usual: Fleet, changed: Fleet) -> Case:
        """From two fleets of one district; the last event on record is the one that is looked at.

        Raises:
            SimulatorError: nothing is on record, or the two are not the same readings.
        """
        before, after = usual.recordings[0], changed.recordings[0]
        if not changed.truth:
            raise SimulatorError(f"{title}: nothing is on record; expected one event at least")
        if not np.array_equal(before.timestamps, after.timestamps):
            raise SimulatorError(f"{title}: {len(before)} readings beside {len(after)}; expected the same moments")
        return cls(title, before, after, changed.truth[-1])

    @property
    def difference(self) -> NDArray[np.float64]:
        """(n, 6) what it changes: L/s and metres."""
        return np.asarray(self.changed.values - self.usual.values)

    @property
    def during(self) -> NDArray[np.bool_]:
        """(n,) True while it goes on."""
        return (self.changed.timestamps >= self.truth.start) & (self.changed.timestamps < self.truth.end)


def ordinary_days(recording: Recording) -> Figure:
    """The inflow of working days and weekends (median and middle 80 %), and the five pressures, by hour of the day."""
    figure, (inflow, pressure) = plt.subplots(1, 2, figsize=(drawing.WIDTH, 3.8), layout="constrained")
    rest = (recording.timestamps // DAY_S + 3) % 7 >= 5
    for name, chosen, color in (("working days", ~rest, drawing.USUAL), ("weekends", rest, drawing.CHANGED)):
        hours, (low, middle, high) = _by_hour(recording, chosen)
        inflow.fill_between(hours, low[:, 0], high[:, 0], color=color, alpha=0.2, lw=0)
        inflow.plot(hours, middle[:, 0], color=color, lw=2, label=name)
    hours, (_, middle, _) = _by_hour(recording, ~rest)
    for i, color in enumerate(_PRESSURES, start=1):
        pressure.plot(hours, middle[:, i], color=color, lw=1.8, label=f"sensor {i}")
    inflow.set(title="Inflow: median, and the middle 80 % of the days", ylabel="inflow [L/s]", ylim=(0, None))
    pressure.set(title="Pressures: median of the working days", ylabel="pressure [m of water]")
    for axis in (inflow, pressure):
        axis.set(xlabel="hour of the day (UTC)", xlim=(0, 24), xticks=range(0, 25, 4))
        axis.grid(alpha=0.25)
    inflow.legend(frameon=False)
    pressure.legend(frameon=False, ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def compared(cases: Sequence[Case], *, margin_s: int = DAY_S) -> Figure:
    """A column a case: inflow and the pressure that reacts most, with and without; beneath each the difference."""
    figure, axes = plt.subplots(
        4, len(cases), figsize=(drawing.WIDTH, 8.8), sharex="col", sharey="row", squeeze=False, layout="constrained",
        height_ratios=(3, 2, 3, 2),
    )  # fmt: skip
    for column, case in zip(axes.T, cases, strict=True):
        at = case.changed.timestamps
        shown = (at >= case.truth.start - margin_s) & (at < case.truth.end + margin_s)
        times, change = drawing.times(at[shown]), case.difference[shown]
        most = 1 + int(np.argmax(np.abs(case.difference[case.during, 1:]).mean(axis=0)))
        for axis, sensor in ((column[0], 0), (column[2], most)):
            axis.plot(times, case.changed.values[shown, sensor], color=drawing.CHANGED, lw=1.4, label="with it")
            axis.plot(times, case.usual.values[shown, sensor], color=drawing.USUAL, lw=1.0, label="without")
        column[1].fill_between(times, change[:, 0], color=drawing.CHANGED, alpha=0.35, lw=0)
        column[1].plot(times, change[:, 0], color=drawing.CHANGED, lw=1.0)
        # thinner and thinner, as sensors behind the same pipes lose the same and lie on each other
        for i, color in enumerate(_PRESSURES, start=1):
            column[3].plot(times, change[:, i], color=color, lw=2.8 - 0.4 * i, label=f"sensor {i}")
        for axis in column:
            drawing.mark(axis, case.truth)
            axis.grid(alpha=0.25)
        column[0].set_title(case.title)
        column[2].set_title(f"sensor {most}", loc="left", fontsize=8, pad=3)
        drawing.dates(column[3], most=max(2, 14 // len(cases)))
    labels = ("inflow [L/s]", "difference [L/s]", "the pressure that\nreacts most [m]", "differences of\nall five [m]")
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(label)
    figure.align_ylabels(axes[:, 0])
    for axis in (axes[0, -1], axes[3, -1]):
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def night_flows(nights: Sequence[NightFlow], leaks: Sequence[Truth]) -> Figure:
    """A line a district: each night's flow over the district's own median; those with a leak coloured by its size."""
    figure, axis = plt.subplots(figsize=(drawing.WIDTH, 4.2), layout="constrained")
    leaky = {t.device_id: t for t in leaks}
    sizes = sorted({t.size for t in leaks}, reverse=True)
    colors = dict(zip(sizes, (drawing.CHANGED, drawing.USUAL, drawing.SECOND), strict=False))
    for night in sorted(nights, key=lambda n: n.device_id in leaky):
        truth = leaky.get(night.device_id)
        times = night.days.astype("datetime64[D]")
        if truth is None:
            axis.plot(times, 100 * night.relative, color=drawing.QUIET, lw=1)
            continue
        color = colors.get(truth.size, drawing.CHANGED)
        axis.plot(times, 100 * night.relative, color=color, lw=2, marker="o", ms=4)
        axis.annotate(
            f"{night.device_id}: leak of {drawing.percent(truth.size)}", (times[-1], 100 * float(night.relative[-1])),
            xytext=(16, 0), textcoords="offset points", va="center", color=color, annotation_clip=False,
        )  # fmt: skip
    for start in sorted({t.start for t in leaks}):
        axis.axvline(drawing.times(np.array([start]))[0], color="black", ls="--", lw=1)
        axis.annotate(
            "the leaks start", (drawing.times(np.array([start]))[0], 1), xycoords=("data", "axes fraction"),
            xytext=(-5, -5), textcoords="offset points", va="top", ha="right", fontsize=9,
        )  # fmt: skip
    axis.margins(x=0.01)
    axis.set(
        ylabel="night flow, 2 to 4 o'clock\n[% of the district's median]",
        title=f"Night flows of {len(nights)} districts",
    )
    axis.grid(alpha=0.25)
    drawing.dates(axis)
    return figure


def sensor_faults(sound: Recording, faulty: Recording, truth: Sequence[Truth], *, margin_s: int = DAY_S) -> Figure:
    """A row a fault: what the sensor would have reported, and what it did."""
    figure, axes = plt.subplots(
        len(truth),
        1,
        figsize=(drawing.WIDTH, 1.55 * len(truth) + 0.4),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    at = faulty.timestamps
    shown = (at >= min(t.start for t in truth) - margin_s) & (at < max(t.end for t in truth) + margin_s)
    times = drawing.times(at[shown])
    for axis, t in zip(axes[:, 0], truth, strict=True):
        sensor = SENSORS.index(str(t.sensor))
        axis.plot(times, sound.values[shown, sensor], color=drawing.USUAL, lw=4, alpha=0.35, label="if it were sound")
        axis.plot(
            times, faulty.values[shown, sensor], color=drawing.CHANGED, lw=1, marker=".", ms=2.5, label="reported"
        )
        drawing.mark(axis, t)
        name, unit = ("inflow", "L/s") if sensor == 0 else (f"pressure {sensor}", "m")
        size = _FAULT_SIZES[t.kind].format(size=t.size, unit=unit, share=drawing.percent(t.size))
        alarm = "an alarm is right" if t.anomalous else "no alarm is wanted"
        axis.set_title(f"{t.kind}{size}: {alarm}", loc="left", fontsize=10)
        axis.set_ylabel(f"{name}\n[{unit}]", fontsize=9)
        axis.grid(alpha=0.25)
    axes[0, 0].legend(frameon=False, fontsize=8, ncols=2, loc="lower right", bbox_to_anchor=(1, 0.98))
    drawing.dates(axes[-1, 0])
    return figure


def _by_hour(recording: Recording, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(H,) hours of the day that occur, and (3, H, 6) the 10th, 50th and 90th percentile over the days."""
    second = recording.timestamps % DAY_S
    steps = np.unique(second[chosen])
    found = [np.nanquantile(recording.values[chosen & (second == s)], (0.1, 0.5, 0.9), axis=0) for s in steps]
    return steps / 3600, np.stack(found, axis=1)
