"""What a threshold costs: alarms that were none, against events that raised none.

Two curves. Of injected deviations, which need no label and are there for anybody's data; and, where a profile declares
a validation part (`threshold.validation`), of its labelled events. The test part has no say in either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.evaluation import Scored, by_event
from aiot_anomaly.training.thresholds.held_back import LOWEST, HeldBack

#: thresholds that a curve is told for, as factors of the chosen one
FACTORS = np.geomspace(0.4, 4.0, 31)
FALSE, MISSED = "false incidents a device and month", "missed events"


def false_alarms(held: HeldBack, value: float, factors: Sequence[float] | Float = FACTORS) -> pd.DataFrame:
    """What normal windows cost at each threshold.

    Index: the threshold. Columns: above (share of held-back normal windows); false incidents a device and month.
    """
    levels = [max(value * float(f), LOWEST) for f in factors]
    rows = {v: {"above": held.share_above(v), FALSE: held.incidents_per_month(v)} for v in levels}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("threshold")


def missed_deviations(injected: Mapping[float, Float], levels: Sequence[float] | Float) -> pd.DataFrame:
    """The share of injected deviations of each size that stays below each threshold.

    Args:
        injected: raw scores by size, of `injection.injected_scores`.
        levels: the thresholds.

    Returns:
        Index: the threshold. A column a size, in smallest deviations worth an alarm.
    """
    return pd.DataFrame(
        {size: [float(np.mean(scores <= v)) for v in levels] for size, scores in injected.items()},
        index=pd.Index(levels, name="threshold"),
    )


def by_events(
    profile: Profile, scored: Sequence[Scored], value: float, factors: Sequence[float] | Float = FACTORS
) -> pd.DataFrame:
    """The cost curve of labelled events.

    Args:
        profile: the kind of device.
        scored: a labelled validation part, 1.0 is the threshold `value`.
        value: raw score.
        factors: of it.

    Returns:
        Index: the threshold. Columns: missed events (share); false incidents a device and month.
    """
    rows = {}
    for factor in factors:
        told = by_event(profile, [replace(s, scores=s.scores / float(factor)) for s in scored])
        missed = 1 - told["found"] if told["events"] else float("nan")
        rows[value * float(factor)] = {MISSED: missed, FALSE: told["false_incidents_per_month"]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("threshold")


def cheapest(curve: pd.DataFrame, events_a_month: float, ratios: Sequence[float] = (1, 3, 10, 30, 100)) -> pd.DataFrame:
    """Which threshold of a curve costs least, when a missed event is as bad as so many false incidents.

    Args:
        curve: of `by_events`.
        events_a_month: how many events a device has in 30 days.
        ratios: how many false incidents one missed event is worth.
    """
    rows = {}
    for ratio in ratios:
        cost = ratio * events_a_month * curve[MISSED] + curve[FALSE]
        # of thresholds that cost the same, the highest
        best = cost.index[int(np.flatnonzero(np.isclose(cost, cost.min()))[-1])]
        rows[ratio] = {"threshold": best, **curve.loc[best].to_dict()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("one missed event is worth")
