"""How well scores find what happened: by the row, as benchmarks count, and by the event, as operators do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int, slots
from aiot_anomaly.training.volumes import vus_pr
from aiot_anomaly.windows import deciding_slot

MONTH_S = 30 * 86_400
WEEK_S = 7 * 86_400
#: what `metrics` gives where it is defined, in the order of a table
MEASURES = (
    *("auc_roc", "auc_pr", "vus_pr", "f1", "far", "mar"),
    *("events", "found", "chance", "false_incidents_per_month", "median_delay_s", "p90_delay_s"),
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


def on_rows(profile: Profile, recording: Recording, scored: Scored) -> Scored:
    """The scores of the original rows of a recording, as benchmarks count: each has that of the window that decides it.

    With a stride of 1 each row has a window of its own. With a longer one a row is decided by the next window, and a
    row after the last window by none (NaN).

    Args:
        profile: the kind of device.
        recording: of the same device, labelled.
        scored: the windows of its test part.

    Returns:
        One score and label for each row after `recording.train_rows`, ends are the rows' times.

    Raises:
        DatasetError: the recording has no labels, or does not say which rows are tested.
    """
    if recording.labels is None or recording.train_rows is None:
        raise DatasetError(f"{recording.device_id}: rows without labels or without a training part cannot be tested")
    times = recording.timestamps[recording.train_rows :]
    ends = deciding_slot(profile, slots(profile, times)) * profile.interval_s
    at = np.minimum(np.searchsorted(scored.ends, ends), len(scored.ends) - 1)
    scores = np.where(scored.ends[at] == ends, scored.scores[at], np.nan)
    return Scored(scored.device_id, times, scores, recording.labels[recording.train_rows :])


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
    """When an operator is told: opening and closing (or last) window end of each incident.

    What `aiot_anomaly.incidents.IncidentTracker` does decision by decision, from alarm to alarm: a budget is looked for
    with hundreds of thresholds on millions of windows.
    """
    rules, known = profile.incidents, ~np.isnan(scored.scores)
    ends, alarms = scored.ends[known], np.flatnonzero(scored.alarms()[known])
    # the last of k alarms among n decisions; and the last alarm before as many normal ones as close an incident
    ready = np.flatnonzero(alarms[rules.k - 1 :] - alarms[: max(len(alarms) - rules.k + 1, 0)] < rules.n) + rules.k - 1
    lulls = np.flatnonzero(np.diff(alarms, append=len(ends) + rules.quiet) > rules.quiet)
    found: list[tuple[int, int]] = []
    first = 0
    while True:
        # a closed incident is forgotten: the next one's alarms all come after it
        at = int(np.searchsorted(ready, first + rules.k - 1))
        if at == len(ready):
            return found
        lull = int(lulls[np.searchsorted(lulls, ready[at])])
        closed = min(int(alarms[lull]) + rules.quiet, len(ends) - 1)
        found.append((int(ends[alarms[ready[at]]]), int(ends[closed])))
        first = int(np.searchsorted(alarms, closed, side="right"))


@dataclass(frozen=True)
class Outcome:
    """What the operator of one device met in its test part.

    Attributes:
        events: how many there were.
        delays_s: from the start of each event that was found to its incident.
        false: incidents that opened in no event.
        normal_s: seconds without an event.
        clean: stretches without an event, of the length that chance is told for, one from each window's end on.
        alarmed: those of them in which an incident opened.
    """

    events: int
    delays_s: tuple[int, ...]
    false: int
    normal_s: float
    clean: int
    alarmed: int


def outcome(profile: Profile, scored: Scored, *, chance_s: int = WEEK_S) -> Outcome:
    """What the operator met; an event is found by an incident that opened in it, and not before.

    Args:
        profile: the kind of device.
        scored: its test part.
        chance_s: length of the clean stretches; to be read beside `found`, as long as the events are.
    """
    opened = np.array([start for start, _ in incidents(profile, scored)], dtype=np.int64)
    truth = scored.events()
    hits = [opened[(start <= opened) & (opened <= end)] for start, end in truth]
    stop = np.searchsorted(scored.ends, scored.ends + chance_s)
    marked = np.concatenate([[0], np.cumsum(scored.labels)])
    at = np.arange(len(scored.ends))
    clean = (stop < len(scored.ends)) & (marked[stop] == marked[at])
    starts = scored.ends[clean]
    alarmed = np.searchsorted(opened, starts + chance_s) > np.searchsorted(opened, starts)
    return Outcome(
        events=len(truth),
        delays_s=tuple(int(of[0]) - start for of, (start, _) in zip(hits, truth, strict=True) if len(of)),
        false=len(opened) - sum(len(of) for of in hits),
        normal_s=float(np.sum(~scored.labels)) * profile.interval_s * profile.window.stride,
        clean=int(clean.sum()),
        alarmed=int(alarmed.sum()),
    )


def pooled(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The operator's measures over devices.

    Returns:
        events, found (share), median_delay_s and p90_delay_s of those found, false_incidents_per_month (a device's, in
        30 days without an event), chance (the share of clean stretches in which an incident opened: as much would be
        found where nothing happened; NaN where no clean stretch is long enough).
    """
    delays = [d for o in outcomes for d in o.delays_s]
    events, clean = sum(o.events for o in outcomes), sum(o.clean for o in outcomes)
    return {
        "events": float(events),
        "found": len(delays) / events if events else 0.0,
        "chance": sum(o.alarmed for o in outcomes) / clean if clean else float("nan"),
        "median_delay_s": float(np.median(delays)) if delays else float("nan"),
        "p90_delay_s": float(np.quantile(delays, 0.9)) if delays else float("nan"),
        "false_incidents_per_month": sum(o.false for o in outcomes)
        / max(sum(o.normal_s for o in outcomes) / MONTH_S, 1e-9),
    }


def by_event(profile: Profile, scored: Sequence[Scored]) -> dict[str, float]:
    """What an operator feels, counted on incidents: `pooled` over all devices."""
    return pooled([outcome(profile, s) for s in scored])


def metrics(profile: Profile, scored: Sequence[Scored]) -> dict[str, float]:
    """The measures of MEASURES, without those that are not defined on this data."""
    found = by_row(scored) | {"vus_pr": vus_pr(scored)} | by_event(profile, scored)
    return {name: round(found[name], 6) for name in MEASURES if np.isfinite(found.get(name, np.nan))}
