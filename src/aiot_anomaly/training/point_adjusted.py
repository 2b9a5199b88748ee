"""Point-adjusted F1, computed only to show why no table has it.

One alarm anywhere in an event counts as if every row of it had been found (Xu et al. 2018), so that in long events
random flags find all (Kim et al. 2022, Towards a Rigorous Evaluation of Time-Series Anomaly Detection).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiot_anomaly.series import Bool
from aiot_anomaly.training.evaluation import Scored


def adjusted(alarms: Bool, labels: Bool) -> Bool:
    """(n,) the alarms, and every row of an event that one of them is in."""
    event = np.cumsum(np.diff(labels.astype(np.int8), prepend=0) == 1)
    return alarms | (labels & np.isin(event, event[alarms & labels]))


def f1(scored: Sequence[Scored]) -> float:
    """F1 over the rows of all devices after the adjustment; not to be used for a comparison."""
    labels = np.concatenate([s.labels for s in scored])
    alarms = np.concatenate([adjusted(s.alarms(), s.labels) for s in scored])
    tp = int(np.sum(alarms & labels))
    return 2 * tp / max(1, int(alarms.sum()) + int(labels.sum()))


def best_f1(scored: Sequence[Scored]) -> float:
    """The highest point-adjusted F1 over all thresholds, as papers report it.

    A threshold of row scores becomes one of adjusted scores: each row of an event has the highest score in it.
    """
    labels = np.concatenate([s.labels for s in scored])
    raised = []
    for s in scored:
        scores = np.nan_to_num(s.scores, nan=0.0)
        event = np.cumsum(np.diff(s.labels.astype(np.int8), prepend=0) == 1)
        highest = np.full(int(event.max(initial=0)) + 1, -np.inf)
        np.maximum.at(highest, event[s.labels], scores[s.labels])
        raised.append(np.where(s.labels, highest[event], scores))
    order = np.argsort(-np.concatenate(raised), kind="stable")
    ordered = np.concatenate(raised)[order]
    last = np.append(np.diff(ordered) != 0, True)
    hits, told = np.cumsum(labels[order])[last], np.arange(1, len(order) + 1)[last]
    return float(np.max(2 * hits / (told + int(labels.sum()))))
