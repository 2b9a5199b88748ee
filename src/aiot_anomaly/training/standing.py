"""How the candidate stands beside each rival on the same held-out data, and what is to be done.

Differences are paired: both are judged on the same rows, and an interval is over the same draws of whole devices. A
difference whose interval holds 0 is within luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiot_anomaly.profile import Profile
from aiot_anomaly.training import resampling
from aiot_anomaly.training.comparison import CANDIDATE, Decision, gains
from aiot_anomaly.training.evaluation import MEASURES, Scored
from aiot_anomaly.training.wording import listed

#: what shows what a figure is worth, and is no rival
NO_RIVALS = frozenset({CANDIDATE, "every row an alarm", "random", "position only"})
#: the measures of the table with intervals
WITH_INTERVAL = ("auc_roc", "auc_pr", "vus_pr", "f1", "found", "false_incidents_per_month")
PROMOTE, KEEP_LOOKING = "promote", "keep looking"


@dataclass(frozen=True)
class Standing:
    """The candidate beside one rival, by AUC-PR.

    Attributes:
        rival: its name.
        gain: of the candidate over it; above 0 the candidate is ahead.
        low, high: the middle 95 % of it over resampled devices; NaN with fewer than two devices.
        ahead: share of the resamples in which the candidate is ahead.
    """

    rival: str
    gain: float
    low: float
    high: float
    ahead: float


def standings(scored: Mapping[str, Sequence[Scored]], results: Mapping[str, Mapping[str, float]]) -> list[Standing]:
    """The candidate beside each rival, the nearest to it or farthest ahead of it first.

    Args:
        scored: scores of the test part by name.
        results: `evaluation.metrics` by name; without labels there is nothing to rank by, and no standing.
    """
    found = []
    for rival in results:
        if rival in NO_RIVALS or "auc_pr" not in results[rival]:
            continue
        drawn = gains(scored[CANDIDATE], scored[rival]) if len(scored[CANDIDATE]) > 1 else np.empty(0)
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
        gain = results[CANDIDATE]["auc_pr"] - results[rival]["auc_pr"]
        ahead = float(np.mean(drawn > 0)) if len(drawn) else float("nan")
        found.append(Standing(rival, gain, float(low), float(high), ahead))
    return sorted(found, key=lambda s: s.gain)


def intervals(profile: Profile, scored: Mapping[str, Sequence[Scored]]) -> pd.DataFrame:
    """The middle 95 % of the main measures over resampled devices, as text; empty with fewer than two devices."""
    rows = {}
    for name, judged in scored.items():
        ends = resampling.intervals(profile, judged)
        rows[name] = {m: f"{ends[m][0]:.3f} – {ends[m][1]:.3f}" for m in WITH_INTERVAL if m in ends}
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=WITH_INTERVAL).dropna(how="all", axis="columns")


def table(results: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """All measures by name, delays in the unit that suits the longest; what nothing has is left out."""
    rows = {name: [of.get(measure, np.nan) for measure in MEASURES] for name, of in results.items()}
    found = pd.DataFrame.from_dict(rows, orient="index", columns=list(MEASURES))
    return readable(found)


def readable(found: pd.DataFrame) -> pd.DataFrame:
    """A table of measures with its delays in the unit that suits the longest; what nothing has is left out."""
    longest = found["p90_delay_s"].max()
    unit, seconds = next(((u, s) for u, s in (("h", 3600), ("min", 60)) if longest >= 2 * s), ("s", 1))
    delays = {f"{name}_s": f"{name}_{unit}" for name in ("median_delay", "p90_delay")}
    scaled = found.assign(**{name: found[name] / seconds for name in delays})
    return scaled.rename(columns=delays).dropna(axis="columns", how="all")


@dataclass(frozen=True)
class Recommendation:
    """What is to be done with a candidate.

    Attributes:
        verdict: PROMOTE, or KEEP_LOOKING.
        measure: what it went by: auc_pr, or false_incidents_per_month where there are no labels.
        reasons: sentences.
    """

    verdict: str
    measure: str
    reasons: tuple[str, ...]


def recommend(
    results: Mapping[str, Mapping[str, float]], found: Sequence[Standing], decision: Decision
) -> Recommendation:
    """Promote what is ahead of every rival and better than the champion; else keep looking.

    Args:
        results: `evaluation.metrics` by name.
        found: `standings` of the same.
        decision: against the champion.
    """
    measure = "auc_pr" if "auc_pr" in results[CANDIDATE] else "false_incidents_per_month"
    sign = 1 if measure == "auc_pr" else -1
    ours = results[CANDIDATE][measure]
    rivals = {name: of[measure] for name, of in results.items() if name not in NO_RIVALS and measure in of}
    behind = [name for name, value in rivals.items() if sign * ours < sign * value]
    clearly = [s.rival for s in found if s.low > 0]
    worse = [s.rival for s in found if s.high < 0]
    luck = [s.rival for s in found if s.low <= 0 <= s.high]
    reasons = [f"It is ahead of {len(rivals) - len(behind)} of {len(rivals)} rivals"]
    if not found or np.isnan(found[0].low):
        reasons += [f"It is behind {listed(behind)}"] if behind else []
    else:
        reasons += [
            f"{said} {listed(who)}"
            for said, who in (
                ("By more than luck it is ahead of", clearly),
                ("By more than luck it is behind", worse),
                ("Within luck it is level with", luck),
            )
            if who
        ]
    reasons.append(f"Against the model in service: {decision.reason}")
    better = not behind and decision.better
    return Recommendation(PROMOTE if better else KEEP_LOOKING, measure, tuple(reasons))
