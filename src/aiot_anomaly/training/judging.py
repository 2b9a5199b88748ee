"""How anything that scores is put to the test: one threshold rule and one test part for all of them.

A judge is told until when a device's readings are known to be normal, fits itself on those, and gives raw scores, each
from what was known at the window's end. So a network, a textbook method and a utility's rule of thumb are compared on
the same terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.dataset import Dataset, Device
from aiot_anomaly.training.evaluation import Scored, by_event

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


def threshold(dataset: Dataset, judge: Judge, share: float) -> tuple[float, Float]:
    """One threshold for all devices, from rows that the judge was not fitted on.

    Each pooled device's last training windows are held back and scored by what was fitted on those before them; the
    threshold is the profile's quantile of all those scores, or the one that its alarm budget allows; times a margin.

    Args:
        dataset: the devices.
        judge: how windows are scored.
        share: of each device's training windows that is held back.

    Returns:
        The threshold, and the scores that it stands on.

    Raises:
        TrainingError: not one held-back window could be scored.
    """
    rules = dataset.profile.threshold
    held_back = []
    for device in dataset.pooled():
        ends = device.held_back(share).ends
        if len(ends):
            scores = judge(device, int(ends[0]) - 1, ends)
            held_back.append(Scored(device.device_id, ends, scores, np.zeros(len(ends), dtype=bool)))
    pooled = np.concatenate([np.empty(0), *(s.scores for s in held_back)])
    scored = pooled[np.isfinite(pooled)]
    if not len(scored):
        raise TrainingError(
            f"none of {len(pooled)} held-back windows has a score, expected some to set the threshold from: give "
            f"longer normal recordings"
        )
    if rules.false_incidents_per_month is None:
        value = float(np.quantile(scored, rules.quantile))
    else:
        value = _within_budget(dataset.profile, held_back, rules.false_incidents_per_month, scored)
    return max(value * rules.margin, 1e-6), scored


def _within_budget(profile: Profile, held_back: Sequence[Scored], budget: float, scored: Float) -> float:
    """The last of the normal scores `scored` (n,), from the highest down, that opens no more incidents than the budget.

    Not the lowest of all: far down alarms run together into a few long incidents.
    """
    kept = float(scored.max())  # here there is no alarm
    for value in np.unique(np.quantile(scored, 1 - np.geomspace(1e-5, 0.5, 300), method="higher"))[::-1]:
        judged = [replace(s, scores=s.scores / max(float(value), 1e-6)) for s in held_back]
        if by_event(profile, judged)["false_incidents_per_month"] > budget:
            break
        kept = float(value)
    return kept


def score_test(dataset: Dataset, judge: Judge, value: float) -> list[Scored]:
    """Scores each device's test part, fitted on its training rows; 1.0 is the threshold `value`."""
    results = []
    for device in dataset.monitored():
        windows, labels = device.test()
        scores = judge(device, device.train_until, windows.ends) / value
        results.append(Scored(device.device_id, windows.ends, scores, labels))
    return results


def score_baseline(dataset: Dataset, baseline: Baseline, share: float) -> list[Scored]:
    """Scores each device's test part by a baseline; 1.0 is its own threshold or the one from held-back rows."""
    value = baseline.threshold
    if value is None:
        value, _ = threshold(dataset, baseline.judge, share)
    return score_test(dataset, baseline.judge, value)
