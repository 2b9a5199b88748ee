"""What had been measured if other devices of the same kind had been watched: a bootstrap over whole devices.

The rows of one device are not independent, so devices are drawn, with replacement (Efron & Tibshirani 1993, An
Introduction to the Bootstrap, 13.3: percentile intervals). With few devices it says little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.training.evaluation import Scored, outcome, pooled
from aiot_anomaly.training.volumes import volumes

RESAMPLES = 500
#: the share of the resamples that an interval holds
LEVEL = 0.95

Part = TypeVar("Part")


def draws(n: int, *, seed: int = 0) -> Iterator[Int]:
    """RESAMPLES times the indices (n,) of `n` devices, drawn with replacement; the same for a seed."""
    rng = np.random.default_rng(seed)
    for _ in range(RESAMPLES):
        yield rng.integers(0, n, n)


@dataclass(frozen=True)
class Ranking:
    """The rows of some devices from the highest score down: sorted once for all draws.

    Attributes:
        device: (N,) which device each row is of.
        labels: (N,) True in an anomaly.
        alarms: (N,) True above the threshold.
        last: the last row of each run of equal scores.
        devices: how many there are.
    """

    device: Int
    labels: Bool
    alarms: Bool
    last: Int
    devices: int

    @classmethod
    def of(cls, scored: Sequence[Scored]) -> Ranking:
        """The rows of all devices; one without a score counts as normal."""
        scores: Float = np.nan_to_num(np.concatenate([s.scores for s in scored]))
        order = np.argsort(-scores, kind="stable")
        return cls(
            np.repeat(np.arange(len(scored)), [len(s.ends) for s in scored])[order],
            np.concatenate([s.labels for s in scored])[order],
            np.concatenate([s.alarms() for s in scored])[order],
            np.flatnonzero(np.append(np.diff(scores[order]) != 0, True)),
            len(scored),
        )

    def areas(self, drawn: Int) -> dict[str, float]:
        """`evaluation.by_row` of the drawn devices, each as often as it was drawn; empty if rows are of one kind."""
        weight = np.bincount(drawn, minlength=self.devices)[self.device]
        positive, negative = weight * self.labels, weight * ~self.labels
        hits, misses = np.cumsum(positive)[self.last], np.cumsum(negative)[self.last]
        if not hits[-1] or not misses[-1]:
            return {}
        gained, lost = np.diff(hits, prepend=0), np.diff(misses, prepend=0)
        tp, fp = int(positive[self.alarms].sum()), int(negative[self.alarms].sum())
        return {
            # a run of equal scores counts half for those in it
            "auc_roc": float(np.sum(lost * (hits - gained / 2)) / (hits[-1] * misses[-1])),
            "auc_pr": float(np.sum(gained * hits / np.maximum(hits + misses, 1)) / hits[-1]),
            "f1": 2 * tp / max(1, tp + fp + int(hits[-1])),
            "far": fp / int(misses[-1]),
            "mar": 1 - tp / int(hits[-1]),
        }


def intervals(profile: Profile, scored: Sequence[Scored], *, seed: int = 0) -> dict[str, tuple[float, float]]:
    """The middle LEVEL of what each measure of `evaluation.metrics` is in the resamples.

    Returns:
        Lower and upper end by the measure's name. Empty for fewer than two devices; without measures that are not
        defined in half of the resamples, and without the number of events.
    """
    if len(scored) < 2:
        return {}
    ranking = Ranking.of(scored)
    outcomes = [outcome(profile, s) for s in scored]
    rows = _ends(ranking.areas(drawn) for drawn in draws(len(scored), seed=seed))
    operator = intervals_of(outcomes, pooled, seed=seed)
    of_each = volumes(scored)
    drawn_volumes = (of_each[drawn] for drawn in draws(len(scored), seed=seed))
    volume = _ends({"vus_pr": float(np.nanmean(v))} if np.isfinite(v).any() else {} for v in drawn_volumes)
    return {name: ends for name, ends in (rows | volume | operator).items() if name != "events"}


def intervals_of(
    parts: Sequence[Part], statistic: Callable[[Sequence[Part]], Mapping[str, float]], *, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """The middle LEVEL of any statistic of devices.

    Args:
        parts: one a device.
        statistic: of some of them, a device as often as it was drawn.
        seed: of the draws; those of one seed and number of devices are the same for all statistics.

    Returns:
        Lower and upper end of each measure; without those that are not finite in half of the resamples.
    """
    return _ends(statistic([parts[i] for i in drawn]) for drawn in draws(len(parts), seed=seed))


def _ends(resampled: Iterator[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = {}
    for measures in resampled:
        for name, value in measures.items():
            if np.isfinite(value):
                found.setdefault(name, []).append(value)
    ends = (0.5 - LEVEL / 2, 0.5 + LEVEL / 2)
    return {
        name: (float(np.quantile(values, ends[0])), float(np.quantile(values, ends[1])))
        for name, values in found.items()
        if len(values) >= RESAMPLES / 2
    }
