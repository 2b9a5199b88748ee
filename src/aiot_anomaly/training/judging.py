"""How anything that scores is put to the test: one threshold rule and one test part for all of them.

A judge is told until when a device's readings are known to be normal, fits itself on those, and gives raw scores, each
from what was known at the window's end. So a network, a textbook method and a utility's rule of thumb are compared on
the same terms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.training.dataset import Dataset, Device
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.thresholds import rules
from aiot_anomaly.training.thresholds.held_back import HeldBack
from aiot_anomaly.windows import Windows

#: a device, until when its readings are normal (seconds since 1970), and ends (n,) of its windows in order of time, to
#: (n,) raw scores: higher is more anomalous, never negative, NaN where there is none
Judge = Callable[[Device, int, Int], Float]


@dataclass(frozen=True)
class Baseline:
    """A judge that stands beside the network in every table.

    Attributes:
        judge: how it scores.
        threshold: the raw score of its own rule, where one is part of it; None: set from held-back rows, as the
            network's is.
    """

    judge: Judge
    threshold: float | None = None


def held_back(dataset: Dataset, judge: Judge, share: float) -> HeldBack:
    """The raw scores of rows that the judge was not fitted on: what a threshold may be set from.

    Each pooled device's last training windows are held back and scored by what was fitted on those before them.

    Args:
        dataset: the devices.
        judge: how windows are scored.
        share: of each device's training windows that is held back.
    """
    parts = []
    for device in dataset.pooled():
        ends = device.held_back(share).ends
        if len(ends):
            scores = judge(device, int(ends[0]) - 1, ends)
            parts.append(Scored(device.device_id, ends, scores, np.zeros(len(ends), dtype=bool)))
    return HeldBack(dataset.profile, tuple(parts))


def threshold(dataset: Dataset, judge: Judge, share: float) -> tuple[float, Float]:
    """One threshold for all devices, by the rule that the profile chooses, from `held_back` scores.

    Returns:
        The threshold, and the scores that it stands on.

    Raises:
        TrainingError: not one held-back window could be scored.
    """
    held = held_back(dataset, judge, share)
    return rules.choose(held).value, held.scores


def score_test(dataset: Dataset, judge: Judge, value: float) -> list[Scored]:
    """Scores each device's test part, fitted on its training rows; 1.0 is the threshold `value`."""
    return [_scored(device, judge, value, *device.test()) for device in dataset.monitored()]


def score_validation(dataset: Dataset, judge: Judge, value: float) -> list[Scored]:
    """The same of each device's validation part; empty unless the profile declares one (`threshold.validation`)."""
    found = [_scored(device, judge, value, *device.validation()) for device in dataset.monitored()]
    return [s for s in found if len(s.ends)]


def _scored(device: Device, judge: Judge, value: float, windows: Windows, labels: Bool) -> Scored:
    scores = judge(device, device.train_until, windows.ends) / value
    return Scored(device.device_id, windows.ends, scores, labels)


def score_baseline(dataset: Dataset, baseline: Baseline, share: float) -> list[Scored]:
    """Scores each device's test part by a baseline; 1.0 is its own threshold or the one from held-back rows."""
    value = baseline.threshold
    if value is None:
        value, _ = threshold(dataset, baseline.judge, share)
    return score_test(dataset, baseline.judge, value)
