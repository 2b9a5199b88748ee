"""Pictures of the comparison on held-out data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from aiot_anomaly.series import Bool
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.plots import canvas
from aiot_anomaly.training.plots.canvas import BLUE, CYCLE, GREY, ORANGE, RED
from aiot_anomaly.training.standing import Standing


def scores_over_time(scored: Scored) -> Figure:
    """Score of a device against the threshold, with what really happened."""
    figure, axis = plt.subplots(figsize=(11, 2.8), layout="constrained")
    at, scores = canvas.envelope(scored.ends, scored.scores)
    axis.plot(canvas.times(at), scores, color=BLUE, lw=0.8, label="score")
    axis.axhline(1.0, color=RED, lw=1.3, label="threshold")
    canvas.shade(axis, scored.events(), "labelled anomaly")
    axis.set(title=f"{scored.device_id}, test part", ylabel="score [thresholds]", xlabel="time (UTC)")
    axis.legend(loc="upper left", fontsize=8)
    canvas.dates(axis)
    return figure


def precision_recall(candidates: Mapping[str, Sequence[Scored]]) -> Figure:
    """Precision against recall of each candidate, over all rows; the first is drawn thick."""
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for i, (name, scored) in enumerate(candidates.items()):
        labels: Bool = np.concatenate([s.labels for s in scored])
        scores = np.concatenate([np.nan_to_num(s.scores, nan=0.0) for s in scored])
        order = np.argsort(-scores, kind="stable")
        hits = np.cumsum(labels[order])
        # of equal scores only the last counts: nothing lies between them
        last = np.append(np.diff(scores[order]) != 0, True)
        recall, precision = hits / max(1, hits[-1]), hits / np.arange(1, len(hits) + 1)
        colour, style = CYCLE[i % len(CYCLE)], "-" if i < 4 else "--"
        axis.plot(recall[last], precision[last], style, label=name, lw=2.2 if i == 0 else 1.1, color=colour)
    share = float(labels.mean())
    axis.axhline(share, color=GREY, ls=":", lw=1, label=f"chance ({share:.2f})")
    axis.set(xlabel="recall", ylabel="precision", title="All rows of the test part", ylim=(0, 1.03))
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def differences(standings: Sequence[Standing], candidate: str) -> Figure:
    """How far the candidate is ahead of each rival in AUC-PR, with the interval over devices."""
    figure, axis = plt.subplots(figsize=(8, 0.3 * len(standings) + 1.4), layout="constrained")
    for i, s in enumerate(standings):
        clear = s.low > 0 or s.high < 0
        colour = (BLUE if s.gain > 0 else ORANGE) if clear else GREY
        if np.isfinite(s.low):
            axis.plot([s.low, s.high], [i, i], color=colour, lw=2)
        axis.plot(s.gain, i, "o" if s.gain > 0 else "s", color=colour)
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(range(len(standings)), [s.rival for s in standings], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(f"AUC-PR of the {candidate} less the rival's; right of 0 it is ahead, grey is within luck")
    axis.set_title("Ahead or behind? Points and 95 % of resampled devices", fontsize=10)
    return figure
