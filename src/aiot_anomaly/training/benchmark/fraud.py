"""Frauds at meters: the same days of the same consumers, honest and falsified.

A fraud lasts seven days in a series that is honest otherwise. A *day's* decision is the one at the end of its first
day, a *week's* the one at the end of its last. Frauds of one series are so far apart that none is in another's past.
How a day is falsified is given by the caller: `simulator.fraud` has the attacks of the literature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import roc_auc_score

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.dataset import Device, prepare
from aiot_anomaly.training.evaluation import MONTH_S, Scored, by_event
from aiot_anomaly.training.judging import Judge

#: consumption (days, 24) in kWh, NaN where it is not known, to what the meter reports of it, the same shape
Attack = Callable[[Float, np.random.Generator], Float]

HOUR_S, DAY_S, DAY_H, YEAR_D = 3_600, 86_400, 24, 365
#: days that a fraud lasts
LASTS_D = 7
#: the decisions: at the end of which of its days
DECISIONS = {"day": 0, "week": LASTS_D - 1}


@dataclass(frozen=True)
class Measures:
    """How well one judge finds one kind of fraud by one decision.

    Attributes:
        frauds: how many decisions on falsified days there were.
        auc: against all decisions on honest days.
        found: the share above the threshold.
    """

    frauds: int
    auc: float
    found: float


@dataclass(frozen=True)
class Result:
    """How well one judge does.

    Attributes:
        kinds: measures by kind of fraud and decision ("day", "week").
        false_alarms: honest days above the same threshold, a consumer and year.
        false_incidents: that open on them, a consumer and year: an alarm that goes on is one.
        consumers: how many.
        honest: decisions on honest days.
    """

    kinds: Mapping[str, Mapping[str, Measures]]
    false_alarms: float
    false_incidents: float
    consumers: int
    honest: int

    def mean(self, decision: str) -> Measures:
        """The mean over all kinds."""
        of = [m[decision] for m in self.kinds.values()]
        auc, found = (float(np.mean([getattr(m, name) for m in of])) for name in ("auc", "found"))
        return Measures(sum(m.frauds for m in of), auc, found)

    def worst(self, decision: str) -> float:
        """The lowest AUC of any kind."""
        return min(m[decision].auc for m in self.kinds.values())


def yearly_threshold(profile: Profile, normal: Float) -> float:
    """The raw score that honest decisions exceed once a consumer and year, from normal scores (n,) that are held back.

    They are sorted evenly: with fewer than a year of them it is the largest.
    """
    decisions = YEAR_D * DAY_S / (profile.interval_s * profile.window.stride)
    return float(np.quantile(normal, 1 - 1 / decisions, method="higher"))


def starts(profile: Profile, device: Device, offset: int) -> Int:
    """The first days (since 1970) of the frauds in the device's test part, `offset` days after its first full day."""
    first, stop = -(-(device.train_until + 1) // DAY_S), (int(device.recording.timestamps[-1]) + HOUR_S) // DAY_S
    apart = -(-profile.history * profile.interval_s // DAY_S) + LASTS_D
    return np.arange(first + offset, stop - LASTS_D + 1, apart)


def falsified(profile: Profile, device: Device, days: Int, attack: Attack, rng: np.random.Generator) -> Device:
    """The device with a fraud from each of the days (n,) on."""
    honest = device.recording
    hour, values = honest.timestamps // HOUR_S, honest.values.copy()
    for day in days.tolist():
        rows = (hour >= day * DAY_H) & (hour < (day + LASTS_D) * DAY_H)
        at = hour[rows] - day * DAY_H
        consumed = np.full(LASTS_D * DAY_H, np.nan)
        consumed[at] = values[rows, 0]
        values[rows, 0] = attack(consumed.reshape(LASTS_D, DAY_H), rng).ravel()[at]
    # nobody has labelled them: nothing but the readings is to differ
    return replace(prepare(profile, _relabelled(honest, values), pooled=device.pooled), train_until=device.train_until)


def _relabelled(recording: Recording, values: Float) -> Recording:
    return replace(recording, values=values, labels=np.zeros(len(values), dtype=bool))


def measure(
    profile: Profile,
    devices: Sequence[Device],
    judge: Judge,
    attacks: Mapping[str, Attack],
    *,
    threshold: float,
    offsets: Sequence[int] = (0,),
    seed: int = 0,
) -> Result:
    """Puts a judge to the test.

    Args:
        profile: hourly meters, judged at the end of each day in UTC.
        devices: honest throughout, each with a training and a test part.
        judge: how windows are scored.
        attacks: by kind.
        threshold: the raw score above which a decision is an alarm.
        offsets: for each of them every device is falsified anew, its frauds so many days later.
        seed: of what the attacks draw. Every judge meets the same frauds.

    Raises:
        DatasetError: no decision can be made on an honest or a falsified day.
    """
    normal = [_normal(judge, d, threshold) for d in devices]
    honest = np.concatenate([np.empty(0), *(s.scores for s in normal)]) * threshold
    kinds = {}
    for number, (kind, attack) in enumerate(attacks.items()):
        scores: dict[str, list[Float]] = {decision: [np.empty(0)] for decision in DECISIONS}
        for index, device in enumerate(devices):
            for offset in offsets:
                days = starts(profile, device, offset)
                rng = np.random.default_rng([seed, number, index, offset])
                other = falsified(profile, device, days, attack, rng)
                ends = {name: _ends(other, days + after) for name, after in DECISIONS.items()}
                judged = np.unique(np.concatenate(list(ends.values())))
                found = _scores(judge, other, judged)
                for name, at in ends.items():
                    scores[name].append(found[np.searchsorted(judged, at)])
        kinds[kind] = {name: _measures(kind, honest, np.concatenate(s), threshold) for name, s in scores.items()}
    usable = honest[np.isfinite(honest)]
    per_year = YEAR_D * DAY_S / (profile.interval_s * profile.window.stride)
    incidents = by_event(profile, normal)["false_incidents_per_month"] * YEAR_D * DAY_S / MONTH_S
    return Result(kinds, float((usable > threshold).mean()) * per_year, incidents, len(devices), len(usable))


def _normal(judge: Judge, device: Device, threshold: float) -> Scored:
    ends = device.test()[0].ends
    return Scored(device.device_id, ends, _scores(judge, device, ends) / threshold, np.zeros(len(ends), dtype=bool))


def _ends(device: Device, days: Int) -> Int:
    """The windows of the device that end with one of the days."""
    ends = (days + 1) * DAY_S - HOUR_S
    return np.asarray(ends[np.isin(ends, device.windows.ends)])


def _scores(judge: Judge, device: Device, ends: Int) -> Float:
    return judge(device, device.train_until, ends) if len(ends) else np.empty(0)


def _measures(kind: str, honest: Float, of_frauds: Float, threshold: float) -> Measures:
    normal, attacked = honest[np.isfinite(honest)], of_frauds[np.isfinite(of_frauds)]
    if not len(normal) or not len(attacked):
        raise DatasetError(
            f"{len(normal)} decisions on honest days and {len(attacked)} on days of {kind}, expected some of each: "
            f"give longer test parts"
        )
    truth = np.concatenate([np.zeros(len(normal)), np.ones(len(attacked))])
    auc = float(roc_auc_score(truth, np.concatenate([normal, attacked])))
    return Measures(len(attacked), auc, float((attacked > threshold).mean()))
