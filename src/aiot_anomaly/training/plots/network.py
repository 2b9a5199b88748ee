"""Pictures of what the network learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.injection import Response
from aiot_anomaly.training.latent import Map
from aiot_anomaly.training.plots import canvas
from aiot_anomaly.training.plots.canvas import BLUE, GREY, MOST_PANELS, ORANGE


def losses(history: Mapping[str, Sequence[float]]) -> Figure:
    """Loss by epoch, on what the network is trained on and on what is held back."""
    figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
    epochs = np.arange(1, len(history["loss"]) + 1)
    axis.plot(epochs, history["loss"], color=BLUE, marker=".", label="training")
    axis.plot(epochs, history["val_loss"], color=ORANGE, marker=".", label="held back")
    best = int(np.argmin(history["val_loss"]))
    axis.axvline(best + 1, color=GREY, ls="--", lw=1, label=f"kept: epoch {best + 1}")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="epoch", ylabel="mean squared error [deviations²]", title="What the network learned")
    axis.legend()
    return figure


def reconstruction(names: Sequence[str], window: Float, rebuilt: Float, *, title: str) -> Figure:
    """One standardised window (T, F) and what the network makes of it."""
    figure, axes = canvas.panels(min(len(names), MOST_PANELS), sharex=True, sharey=True)
    for axis, name, given, made in zip(axes, names[: len(axes)], window.T, rebuilt.T, strict=False):
        axis.plot(given, color=BLUE, marker=".", ms=3, label="input")
        axis.plot(made, color=ORANGE, lw=2, label="network")
        axis.set_title(name, fontsize=9)
        axis.tick_params(labelsize=7)
    axes[0].legend(fontsize=7)
    figure.supxlabel("row of the window", fontsize=8)
    figure.supylabel("normal deviations", fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


def latent(found: Map) -> Figure:
    """The code layer in two dimensions: normal windows, and later ones."""
    figure, axis = plt.subplots(figsize=(6.5, 4.8), layout="constrained")
    axis.plot(
        *found.later.T, ".", color=ORANGE, ms=4, alpha=0.35, label=f"test part ({len(found.later):,}), unlabelled"
    )
    axis.plot(*found.normal.T, ".", color=BLUE, ms=4, alpha=0.35, label=f"held back, normal ({len(found.normal):,})")
    axis.set(
        xlabel=f"first component ({found.explained[0]:.0%} of the normal codes' variance)",
        ylabel=f"second component ({found.explained[1]:.0%})",
        title="The code layer: one point a window",
    )
    for handle in axis.legend(fontsize=8, markerscale=2).legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    return figure


def residual_by_sensor(names: Sequence[str], unexplained: Float) -> Figure:
    """The share of each input that the network does not write, (D, F): a point a device."""
    figure, axis = plt.subplots(figsize=(8, 0.24 * len(names) + 1.4), layout="constrained")
    for i in range(len(names)):
        axis.plot(unexplained[:, i], np.full(len(unexplained), i), ".", color=BLUE, alpha=0.5)
        axis.plot([np.median(unexplained[:, i])] * 2, [i - 0.35, i + 0.35], color=ORANGE, lw=3)
    axis.axvline(1, color=GREY, ls="--", lw=1)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set_xlabel("share of the input that is not written (1: nothing is)")
    axis.set_title(
        "What the network cannot write of held-back windows: a point a device, the median in orange", fontsize=10
    )
    return figure


def response(profile: Profile, found: Response) -> Figure:
    """What the score answers to a deviation of each sensor, and which sensor it blames."""
    n = len(profile.sensors)
    side = min(3.2 + 0.25 * n, 9.0)
    figure, (left, right) = plt.subplots(1, 2, figsize=(2 * side + 2, side), layout="constrained")
    shade = np.log2(np.clip(found.gain, 0.125, 8))
    image = left.imshow(shade, aspect="auto", cmap="cividis", vmin=-3, vmax=3)
    left.set_xticks(range(len(found.sizes)), [f"{s:g}" for s in found.sizes], fontsize=8)
    canvas.names(left, profile.sensor_names, which="y")
    for (i, k), gain in np.ndenumerate(found.gain) if n <= 16 else ():
        colour = "black" if shade[i, k] > 1 else "white"
        left.text(k, i, f"{gain:.2g}", ha="center", va="center", fontsize=7, color=colour)
    left.set_xlabel("deviation [smallest deviations worth an alarm]")
    left.set_title("usual score; 1 is the highest of normal windows (99 %)", fontsize=10)
    if n > 16:
        figure.colorbar(image, ax=left, shrink=0.8, label="log2 of the score")
    blame = right.imshow(found.blame, vmin=0, vmax=1, cmap="cividis")
    canvas.names(right, profile.sensor_names)
    right.set(xlabel="sensor that is blamed", ylabel="sensor that deviates")
    right.set_title(f"share of the score, at {found.sizes[-1]:g} smallest deviations", fontsize=10)
    figure.colorbar(blame, ax=right, shrink=0.8)
    return figure
