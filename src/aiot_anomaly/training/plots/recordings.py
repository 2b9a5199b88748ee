"""Pictures of recordings, before any model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from aiot_anomaly.profile import Profile
from aiot_anomaly.training import exploration
from aiot_anomaly.training.dataset import Dataset, Device
from aiot_anomaly.training.exploration import DAY_S
from aiot_anomaly.training.plots import canvas
from aiot_anomaly.training.plots.canvas import BLUE, GREY, MOST_PANELS, ORANGE
from aiot_anomaly.training.wording import duration

#: devices in one picture, stretches of time that completeness is told for
MOST_DEVICES, STRETCHES = 40, 160


def sensors(profile: Profile, device: Device) -> Figure:
    """Every sensor of a device over time: training part, and labelled anomalies."""
    shown = profile.sensors[:MOST_PANELS]
    n = len(shown)
    figure, axes = plt.subplots(n, 1, figsize=(11, 1.3 * n + 0.8), sharex=True, squeeze=False, layout="constrained")
    at = exploration.times(profile, device)
    for i, (axis, sensor) in enumerate(zip(axes[:, 0], shown, strict=True)):
        when, values = canvas.envelope(at, device.series.values[:, i])
        axis.plot(canvas.times(when), values, color=BLUE, lw=0.7)
        axis.set_ylabel(f"{sensor.name}\n[{sensor.unit}]", fontsize=7)
        axis.tick_params(labelsize=7)
        axis.axvline(canvas.times(np.array([device.train_until]))[0], color=GREY, ls="--", lw=1)
        canvas.shade(axis, device.recording.events(), "labelled anomaly")
    if device.recording.events():
        axes[0, 0].legend(loc="upper left", fontsize=7)
    more = f"; the first {n} of {len(profile.sensors)} sensors" if n < len(profile.sensors) else ""
    axes[0, 0].set_title(f"{device.device_id}: left of the dashed line the training part{more}", fontsize=10)
    canvas.dates(axes[-1, 0])
    axes[-1, 0].set_xlabel("time (UTC)", fontsize=8)
    return figure


def completeness(dataset: Dataset) -> Figure:
    """Where readings are missing on each device, and how long the holes are."""
    profile, devices = dataset.profile, dataset.devices[:MOST_DEVICES]
    longest = max(len(d.series) for d in devices)
    stretches = min(STRETCHES, longest)
    table = np.full((len(devices), stretches), np.nan)
    for row, device in zip(table, devices, strict=True):
        part = np.arange(len(device.series)) * stretches // longest
        counts = np.bincount(part, minlength=stretches)
        row[counts > 0] = (np.bincount(part, device.series.observed, minlength=stretches) / np.maximum(counts, 1))[
            counts > 0
        ]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, max(2.6, 0.17 * len(devices) + 1.2)), width_ratios=(3, 2), layout="constrained"
    )
    unit, name = next(
        (u, n)
        for u, n in ((DAY_S, "days"), (3600, "hours"), (60, "minutes"), (1, "s"))
        if longest * profile.interval_s >= 2 * u or u == 1
    )
    extent = (0.0, longest * profile.interval_s / unit, len(devices) - 0.5, -0.5)
    image = left.imshow(table, aspect="auto", vmin=0, vmax=1, cmap="cividis", extent=extent, interpolation="nearest")
    left.set(xlabel=f"{name} since the device's first reading", title="share of readings that came")
    canvas.names(left, [d.device_id for d in devices], which="y")
    figure.colorbar(image, ax=left, shrink=0.9)
    lengths = np.concatenate([exploration.holes(d) for d in dataset.devices]) * profile.interval_s
    if len(lengths):
        right.set_xscale("log")
        limit = profile.imputation.longest_gap * profile.interval_s
        if limit:
            right.axvline(limit, color=ORANGE, label=f"filled up to {duration(limit)}")
            right.legend(fontsize=8)
        right.hist(lengths, bins=np.geomspace(lengths.min() * 0.9, lengths.max() * 1.1, 40), color=BLUE)
    else:
        right.set_visible(False)
    right.yaxis.set_label_position("right")
    right.set(xlabel="length of a hole [s]", ylabel="holes, all devices")
    right.set_title(f"{len(lengths):,} holes: longer ones interrupt the windows", fontsize=10)
    return figure


def distributions(dataset: Dataset) -> Figure:
    """What each sensor reads in the training parts, and what it reads after them; all devices."""
    profile = dataset.profile
    figure, axes = canvas.panels(min(len(profile.sensors), MOST_PANELS))
    parts = [exploration.training_rows(profile, d) for d in dataset.devices]
    later = [d.series.values[len(p) :] for d, p in zip(dataset.devices, parts, strict=True)]
    for i, (axis, sensor) in enumerate(zip(axes, profile.sensors[: len(axes)], strict=True)):
        before, after = (np.concatenate([p[:, i] for p in part]) for part in (parts, later))
        before, after = before[np.isfinite(before)], after[np.isfinite(after)]
        both = np.concatenate([before, after])
        if not len(both):
            continue
        low, high = (float(q) for q in np.quantile(both, [0.002, 0.998]))
        bins = np.linspace(low, high, 41) if high > low else np.linspace(low - 0.5, low + 0.5, 41)
        if len(before):
            axis.hist(before, bins=bins, density=True, color=BLUE, alpha=0.5, label="training part")
        if len(after):
            axis.hist(after, bins=bins, density=True, histtype="step", color=ORANGE, lw=1.5, label="after it")
        axis.set_title(f"{sensor.name} [{sensor.unit}]", fontsize=9)
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
    axes[0].legend(fontsize=7)
    figure.suptitle("What the sensors read, all devices", fontsize=10)
    return figure


def daily_shape(profile: Profile, device: Device) -> Figure:
    """The normal day of each sensor: median and middle 80 % by the hour in the training part, weekends apart."""
    figure, axes = canvas.panels(min(len(profile.sensors), MOST_PANELS))
    rows = exploration.training_rows(profile, device)
    local = exploration.times(profile, device)[: len(rows)] + int(profile.season.utc_offset_h * 3600)
    hours, weekend = (local // 3600) % 24, (local // DAY_S + 3) % 7 >= 5
    for axis, sensor, values in zip(axes, profile.sensors[: len(axes)], rows.T, strict=False):
        for chosen, colour, name in ((~weekend, BLUE, "working days"), (weekend, ORANGE, "weekends")):
            parts = [values[chosen & (hours == h) & np.isfinite(values)] for h in range(24)]
            present = [h for h in range(24) if len(parts[h])]
            if not present:
                continue
            low, mid, high = np.array([np.quantile(parts[h], [0.1, 0.5, 0.9]) for h in present]).T
            axis.fill_between(present, low, high, color=colour, alpha=0.2, lw=0)
            axis.plot(present, mid, color=colour, label=name)
        axis.set_title(f"{sensor.name} [{sensor.unit}]", fontsize=9)
        axis.set_xticks(range(0, 24, 6))
        axis.tick_params(labelsize=7)
    axes[0].legend(fontsize=7)
    figure.supxlabel(f"hour of the day (UTC{profile.season.utc_offset_h:+g} h)", fontsize=8)
    figure.suptitle(f"A normal day of {device.device_id}: median and middle 80 %", fontsize=10)
    return figure


def autocorrelations(profile: Profile, device: Device) -> Figure:
    """How each sensor resembles itself some time before, in the training part."""
    figure, axes = canvas.panels(min(len(profile.sensors), MOST_PANELS), sharex=True, sharey=True)
    rows = exploration.training_rows(profile, device)[-exploration.MOST_ROWS :]
    day = DAY_S / profile.interval_s
    lags = int(max(2, min(8 * day, len(rows) // 2, 2000 if day > 2000 and len(rows) < 4 * day else np.inf)))
    unit, name = (day, "days") if lags >= 2 * day else (1, f"steps of {duration(profile.interval_s)}")
    for axis, sensor, values in zip(axes, profile.sensor_names[: len(axes)], rows.T, strict=False):
        axis.plot(np.arange(lags + 1) / unit, exploration.autocorrelation(values, lags), color=BLUE, lw=1)
        axis.axhline(0, color=GREY, lw=0.8)
        axis.set(ylim=(-1, 1.05))
        axis.set_title(sensor, fontsize=9)
        axis.tick_params(labelsize=7)
    figure.supxlabel(name + " before", fontsize=8)
    figure.suptitle(f"Autocorrelation, {device.device_id}, training part", fontsize=10)
    return figure


def correlation(profile: Profile, device: Device) -> Figure:
    """How the sensors move together in the training part."""
    rows = exploration.training_rows(profile, device)
    rows = rows[np.isfinite(rows).all(axis=1)]
    n, labels = len(profile.sensors), profile.sensor_names
    matrix = np.full((n, n), np.nan)
    moving = rows.std(axis=0) > 0 if len(rows) > 1 else np.zeros(n, dtype=bool)
    if moving.any():
        matrix[np.ix_(moving, moving)] = np.corrcoef(rows[:, moving].T)
    side = min(3.4 + 0.28 * n, 9.5)
    figure, axis = plt.subplots(figsize=(side + 1, side), layout="constrained")
    image = axis.imshow(matrix, vmin=-1, vmax=1, cmap="PuOr")
    canvas.names(axis, labels)
    if n <= 12:
        for i, j in np.argwhere(np.isfinite(matrix)):
            colour = "white" if abs(matrix[i, j]) > 0.6 else "black"
            axis.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axis.set_title(f"Correlation of the sensors, {device.device_id}, training part", fontsize=10)
    figure.colorbar(image, shrink=0.8)
    return figure


def label_shifts(shifts: pd.DataFrame) -> Figure:
    """How far labelled anomalies move each sensor: `exploration.label_shifts`, one point a device."""
    n = len(shifts.columns)
    figure, axis = plt.subplots(figsize=(8, 0.24 * n + 1.4), layout="constrained")
    spread = np.random.default_rng(0).uniform(-0.18, 0.18, shifts.shape)
    for i, name in enumerate(shifts.columns):
        axis.plot(shifts[name], i + spread[:, i], ".", color=BLUE, alpha=0.6, ms=5)
        axis.plot([shifts[name].median()] * 2, [i - 0.35, i + 0.35], color=ORANGE, lw=3)
    axis.axvline(0, color=GREY, lw=0.8)
    axis.set_yticks(range(n), shifts.columns, fontsize=8)
    axis.invert_yaxis()
    axis.set_xscale("symlog", linthresh=3)
    far = max(3.0, float(np.nanmax(np.abs(shifts.to_numpy()))))
    ticks = [t for t in (1, 3, 10, 30, 100, 300, 1000, 10_000, 100_000) if t <= far]
    axis.set_xticks(
        [*(-t for t in ticks[::-1]), 0, *ticks], [*(f"{-t:,}" for t in ticks[::-1]), "0", *(f"{t:,}" for t in ticks)]
    )
    axis.minorticks_off()
    axis.set(xlabel="shift in labelled anomalies [normal deviations; linear within ±3]")
    axis.set_title("What anomalies do to the sensors: a point a device, the median in orange", fontsize=10)
    return figure
