"""VUS-PR: the volume under the surface of precision, recall and tolerance.

A label's first and last row are seldom exact, and an alarm just beside an event is not worth nothing. So labels get
slopes at both ends, the area under the curve of range-based precision and recall is taken for many lengths of these
slopes, and VUS-PR is the mean of the areas (Paparrizos et al. 2022, Volume Under the Surface: A New Accuracy Evaluation
Measure for Time-Series Anomaly Detection, PVLDB 15(11)). Liu & Paparrizos 2024 (The Elephant in the Room, NeurIPS)
found it the most reliable measure of those in use. The areas are aeon's.

It is defined for one series: slopes must not reach from one device into the next. Of a fleet it is the mean over the
devices in whose test part there is an event, as benchmarks of many series give it. A device without one has no recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from aeon.benchmarking.metrics.anomaly_detection import range_pr_auc_score

from aiot_anomaly.series import Bool, Float, Int

#: rows of a series that are looked at; of a longer one each second, third, ... row is taken, for all methods alike
MOST_ROWS = 20_000
#: longest slopes that are tried (both together), in rows: as in TSB-AD, where a series has no period
LONGEST = 100
#: lengths of slopes that are tried, evenly from none to the longest; aeon's own volume takes each integer between
SLOPES = 9


class Judged(Protocol):
    """One device's test part: anything with scores and labels, such as `evaluation.Scored`."""

    @property
    def scores(self) -> Float:
        """(W,) higher is more anomalous, NaN where there is none."""

    @property
    def labels(self) -> Bool:
        """(W,) True in an anomaly."""


def vus_pr(scored: Sequence[Judged]) -> float:
    """The mean of the devices' volumes; 1 is perfect, and the share of anomalous rows about what chance gives.

    Returns:
        NaN where no device has both normal and anomalous rows.
    """
    return mean(volumes(scored))


def mean(found: Float) -> float:
    """The mean of the devices' volumes (D,) that are defined; NaN where none is."""
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def volumes(scored: Sequence[Judged]) -> Float:
    """(D,) the volume of each device; NaN where its rows are all of one kind.

    The longest slope is the median length of all devices' events, at most LONGEST rows.
    """
    lengths = np.concatenate([_lengths(s.labels) for s in scored]) if len(scored) else np.empty(0)
    longest = int(min(np.median(lengths), LONGEST)) if len(lengths) else 0
    return np.array([_volume(s.scores, s.labels, longest) for s in scored])


def _lengths(labels: Bool) -> Int:
    edges = np.diff(np.concatenate([[0], labels.astype(np.int8), [0]]))
    return np.asarray(np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1), dtype=np.int64)


def _volume(scores: Float, labels: Bool, longest: int) -> float:
    """Of one series (n,); a row without a score counts as normal, as in `evaluation.by_row`."""
    step = -(-max(1, len(scores)) // MOST_ROWS)
    score, label = np.nan_to_num(scores[::step], nan=0.0), labels[::step]
    if label.all() or not label.any():
        return float("nan")
    if score.min() == score.max():
        # nothing is ranked: at every recall precision is the share of anomalous rows. aeon would say 0
        return float(label.mean())
    slopes = np.unique(np.linspace(0, longest // step, SLOPES).round().astype(int))
    areas = [range_pr_auc_score(label.astype(np.int64), score, buffer_size=int(slope)) for slope in slopes]
    return float(np.trapezoid(areas, slopes) / slopes[-1]) if len(slopes) > 1 else float(areas[0])
