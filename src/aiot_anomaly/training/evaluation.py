"""How well scores find what happened: by the row, as benchmarks count, and by the event, as operators do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int

MONTH_S = 30 * 86_400
#: what `metrics` gives where it is defined, in the order of a table
MEASURES = (
    *("auc_roc", "auc_pr", "f1", "far", "mar"),
    *("events", "found", "false_incidents_per_month", "median_delay_s", "p90_delay_s"),
)


@dataclass(frozen=True)
class Scored:
    """The scores of one device's test part.

    Attributes:
        device_id: the device.
        ends: (W,) window ends, seconds since 1970.
        scores: (W,) 1.0 is the threshold; NaN where the window was not complete.
        labels: (W,) True in an anomaly.
    """

    device_id: str
    ends: Int
    scores: Float
    labels: Bool

    def alarms(self) -> Bool:
        """(W,) True where the score is above the threshold."""
        return np.nan_to_num(self.scores, nan=0.0) > 1.0

    def events(self) -> list[tuple[int, int]]:
        """First and last window end of each labelled anomaly."""
        return runs(self.ends, self.labels)


def runs(ends: Int, flags: Bool) -> list[tuple[int, int]]:
    """First and last of `ends` (n,) of each run of True in `flags` (n,)."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return [(int(ends[a]), int(ends[b])) for a, b in zip(starts, stops, strict=True)]


def by_row(scored: Sequence[Scored]) -> dict[str, float]:
    """Row metrics pooled over devices; a row that could not be scored counts as normal.

    Returns:
        auc_roc, auc_pr (average precision), f1, far (false alarm rate: FP / normal), mar (missed alarm rate:
        FN / anomalous), as the SKAB benchmark defines them. Empty where the rows are all of one kind.
    """
    labels = np.concatenate([s.labels for s in scored])
    scores = np.concatenate([np.nan_to_num(s.scores, nan=0.0) for s in scored])
    if labels.all() or not labels.any():
        return {}
    alarms = np.concatenate([s.alarms() for s in scored])
    tp, fp = int(np.sum(alarms & labels)), int(np.sum(alarms & ~labels))
    fn = int(np.sum(~alarms & labels))
    return {
        "auc_roc": float(roc_auc_score(labels, scores)),
        "auc_pr": float(average_precision_score(labels, scores)),
        "f1": 2 * tp / max(1, 2 * tp + fp + fn),
        "far": fp / int(np.sum(~labels)),
        "mar": fn / int(np.sum(labels)),
    }


def incidents(profile: Profile, scored: Scored) -> list[tuple[int, int]]:
    """When an operator is told: opening and closing (or last) window end of each incident."""
    tracker, found = IncidentTracker(), []
    for end, score, alarm in zip(scored.ends.tolist(), scored.scores.tolist(), scored.alarms().tolist(), strict=True):
        if np.isnan(score):
            continue
        tracker, incident = tracker.advance(profile.incidents, scored.device_id, end, alarm, score)
        if incident is None:
            continue
        if incident.state == "opened":
            found.append((end, end))
        else:
            found[-1] = (found[-1][0], end)
    return found


def by_event(profile: Profile, scored: Sequence[Scored]) -> dict[str, float]:
    """What an operator feels, counted on incidents.

    Returns:
        events, found (share; an incident opened in the event, and not before), median_delay_s and p90_delay_s of
        those found, false_incidents_per_month (a device's incidents that opened in no event, in 30 days of normal
        rows).
    """
    events, delays, false, normal_s = 0, [], 0, 0.0
    for s in scored:
        found, truth = incidents(profile, s), s.events()
        events += len(truth)
        for start, end in truth:
            hits = [opened for opened, _ in found if start <= opened <= end]
            if hits:
                delays.append(min(hits) - start)
        false += sum(not any(start <= opened <= end for start, end in truth) for opened, _ in found)
        step = profile.interval_s * profile.window.stride
        normal_s += float(np.sum(~s.labels)) * step
    return {
        "events": float(events),
        "found": len(delays) / events if events else 0.0,
        "median_delay_s": float(np.median(delays)) if delays else float("nan"),
        "p90_delay_s": float(np.quantile(delays, 0.9)) if delays else float("nan"),
        "false_incidents_per_month": false / max(normal_s / MONTH_S, 1e-9),
    }


def metrics(profile: Profile, scored: Sequence[Scored]) -> dict[str, float]:
    """Row and event metrics together, without those that are not defined on this data."""
    both = by_row(scored) | by_event(profile, scored)
    return {name: round(value, 6) for name, value in both.items() if np.isfinite(value)}
