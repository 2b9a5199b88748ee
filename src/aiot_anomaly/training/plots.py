"""The notebooks' pictures: each function takes data and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.evaluation import Scored

BLUE, ORANGE, RED, GREY = "#3366aa", "#dd8833", "#cc3344", "#999999"


def _times(seconds: Int) -> Any:
    return seconds.astype("datetime64[s]")


def _dates(axis: Any) -> None:
    formatter = mdates.ConciseDateFormatter(axis.xaxis.get_major_locator())  # type: ignore[no-untyped-call] # matplotlib's
    axis.xaxis.set_major_formatter(formatter)


def _shade(axis: Any, events: Sequence[tuple[int, int]], label: str) -> None:
    for i, (start, end) in enumerate(events):
        axis.axvspan(*_times(np.array([start, end])), color=RED, alpha=0.15, label=label if i == 0 else None)


def _panels(n: int, *, sharey: bool = False) -> tuple[Figure, list[Any]]:
    """A figure with `n` small pictures, four in a row."""
    columns = min(n, 4)
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.8 * columns, 2.3 * rows + 0.4), sharey=sharey, squeeze=False, layout="constrained"
    )
    for spare in axes.flat[n:]:
        spare.set_visible(False)
    return figure, list(axes.flat[:n])


def sensors(profile: Profile, device: Device) -> Figure:
    """Every sensor of a device over time: training part, and labelled anomalies."""
    n = len(profile.sensors)
    figure, axes = plt.subplots(n, 1, figsize=(11, 1.5 * n + 0.5), sharex=True, squeeze=False, layout="constrained")
    slots = device.series.first_slot + np.arange(len(device.series))
    times = _times(slots * profile.interval_s)
    for axis, sensor, values in zip(axes[:, 0], profile.sensors, device.series.values.T, strict=True):
        axis.plot(times, values, color=BLUE, lw=0.7)
        axis.set_ylabel(f"{sensor.name}\n{sensor.unit}", fontsize=8)
        axis.axvline(_times(np.array([device.train_until]))[0], color=GREY, ls="--", lw=1)
        _shade(axis, device.recording.events(), "labelled anomaly")
    axes[0, 0].set_title(f"{device.device_id} (left of the dashed line: training part)")
    _dates(axes[-1, 0])
    return figure


def daily_shape(profile: Profile, device: Device) -> Figure:
    """The normal day of each sensor: median and middle 80 % by the hour, in the training part."""
    figure, axes = _panels(len(profile.sensors))
    times = (device.series.first_slot + np.arange(len(device.series))) * profile.interval_s
    train = times <= device.train_until
    hours = (times[train] // 3600) % 24
    for axis, sensor, values in zip(axes, profile.sensors, device.series.values[train].T, strict=True):
        present = [h for h in range(24) if np.isfinite(values[hours == h]).any()]
        low, mid, high = (np.array([np.nanquantile(values[hours == h], q) for h in present]) for q in (0.1, 0.5, 0.9))
        axis.fill_between(present, low, high, color=BLUE, alpha=0.2)
        axis.plot(present, mid, color=BLUE)
        axis.set(title=f"{sensor.name} [{sensor.unit}]", xlabel="hour (UTC)")
        axis.title.set_fontsize(9)
    return figure


def correlation(profile: Profile, device: Device) -> Figure:
    """How the sensors move together in the training part."""
    rows = device.series.values[: max(2, device.train_until // profile.interval_s - device.series.first_slot)]
    rows = rows[np.isfinite(rows).all(axis=1)]
    spread = rows.std(axis=0)
    matrix = np.corrcoef(rows.T + np.where(spread == 0, 1e-12, 0)[:, None] * np.arange(len(rows))[None, :])
    figure, axis = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
    image = axis.imshow(np.atleast_2d(matrix), vmin=-1, vmax=1, cmap="RdBu")
    names = profile.sensor_names
    axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_title("correlation of the sensors, training part")
    figure.colorbar(image, shrink=0.8)
    return figure


def losses(history: Mapping[str, Sequence[float]]) -> Figure:
    """Loss by epoch, on what the network is trained on and on what is held back."""
    figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
    epochs = np.arange(1, len(history["loss"]) + 1)
    axis.plot(epochs, history["loss"], color=BLUE, marker=".", label="training")
    axis.plot(epochs, history["val_loss"], color=ORANGE, marker=".", label="held back")
    axis.set(xlabel="epoch", ylabel="mean squared error", title="What the network learned")
    axis.legend()
    return figure


def reconstruction(names: Sequence[str], window: Float, rebuilt: Float, *, title: str) -> Figure:
    """One standardised window (T, F) and what the network makes of it."""
    figure, axes = _panels(len(names), sharey=True)
    for axis, name, given, made in zip(axes, names, window.T, rebuilt.T, strict=True):
        axis.plot(given, color=BLUE, marker=".", ms=3, label="input")
        axis.plot(made, color=ORANGE, label="network")
        axis.set_title(name, fontsize=8)
    axes[0].set_ylabel("standard deviations")
    axes[0].legend(fontsize=7)
    figure.suptitle(title, fontsize=10)
    return figure


def held_back_scores(scores: Float, threshold: float) -> Figure:
    """The distribution of held-back normal scores and where the threshold lies."""
    figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
    axis.hist(scores, bins=80, color=BLUE)
    axis.axvline(threshold, color=RED, label=f"threshold {threshold:.2f}")
    axis.set(xlabel="score before the threshold", ylabel="held-back normal windows", yscale="log")
    axis.legend()
    return figure


def quantiles(scores: Float, chosen: float) -> Figure:
    """How many normal windows would alarm at each threshold."""
    figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
    ordered = np.sort(scores)
    axis.plot(ordered, 1 - np.arange(1, len(ordered) + 1) / (len(ordered) + 1), color=BLUE)
    axis.axvline(chosen, color=RED, label=f"threshold {chosen:.2f}")
    axis.set(xlabel="threshold", ylabel="share of normal windows above it", yscale="log")
    axis.legend()
    return figure


def scores_over_time(scored: Scored) -> Figure:
    """Score of a device against the threshold, with what really happened."""
    figure, axis = plt.subplots(figsize=(11, 2.8), layout="constrained")
    axis.plot(_times(scored.ends), scored.scores, color=BLUE, lw=0.8, label="score")
    axis.axhline(1.0, color=RED, lw=1, label="threshold")
    _shade(axis, scored.events(), "labelled anomaly")
    axis.set(title=scored.device_id, ylabel="score")
    axis.legend(loc="upper left", fontsize=8)
    _dates(axis)
    return figure


def precision_recall(candidates: Mapping[str, Sequence[Scored]]) -> Figure:
    """Precision against recall of each candidate, over all rows."""
    figure, axis = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
    for name, scored in candidates.items():
        labels: Bool = np.concatenate([s.labels for s in scored])
        scores = np.concatenate([np.nan_to_num(s.scores, nan=0.0) for s in scored])
        order = np.argsort(-scores, kind="stable")
        hits = np.cumsum(labels[order])
        axis.plot(hits / max(1, hits[-1]), hits / np.arange(1, len(hits) + 1), label=name, lw=1)
    axis.set(xlabel="recall", ylabel="precision", title="All rows of the test part")
    axis.legend(fontsize=8)
    return figure
