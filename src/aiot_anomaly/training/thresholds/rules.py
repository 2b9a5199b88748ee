"""The rules by name, and the one that a profile chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from aiot_anomaly.profile import Incidents
from aiot_anomaly.training.thresholds.budget import budget, steps
from aiot_anomaly.training.thresholds.conformal import conformal
from aiot_anomaly.training.thresholds.held_back import LOWEST, Chosen, HeldBack
from aiot_anomaly.training.thresholds.peaks import peaks
from aiot_anomaly.training.thresholds.quantile import quantile
from aiot_anomaly.training.wording import duration

RULES: Mapping[str, Callable[[HeldBack], Chosen]] = {
    "quantile": quantile,
    "peaks": peaks,
    "conformal": conformal,
    "budget": budget,
}
#: incidents a device and month, where a table shows what budgets would cost
BUDGETS = (0.25, 0.5, 1.0, 2.0, 4.0)
#: k of n, beside the profile's own
PERSISTENCE = ((1, 1), (2, 3), (3, 4), (3, 5), (5, 8), (12, 16))


def choose(held: HeldBack) -> Chosen:
    """The threshold by the rule that the profile chooses, times its margin."""
    return by_rule(held, held.profile.threshold.rule)


def by_rule(held: HeldBack, name: str) -> Chosen:
    """The threshold by the rule `name` of RULES, times the profile's margin."""
    found, margin = RULES[name](held), held.profile.threshold.margin
    times = "" if margin == 1 else f", times {margin:g}"
    return replace(found, value=max(found.value * margin, LOWEST), words=f"{found.words}{times}, one for all devices")


def every(held: HeldBack) -> dict[str, Chosen]:
    """Every rule's threshold by its name; the budget's where the profile has one."""
    without = held.profile.threshold.false_incidents_per_month is None
    return {name: by_rule(held, name) for name in RULES if name != "budget" or not without}


def beside(held: HeldBack) -> pd.DataFrame:
    """The rules beside each other, one line each.

    Columns: threshold; windows above, promised (by the rule; NaN for a budget) and found; `other half`: the share that
    is above the threshold of one half of each device's windows in the other half, which it was not set on; incidents a
    device and month, found and in the other halves; whether it is the profile's.
    """
    halves = held.halves()
    rows = {}
    for name, chosen in every(held).items():
        pairs = [(by_rule(a, name).value, b) for a, b in (halves, halves[::-1]) if len(a.parts) and len(b.parts)]
        rows[name] = {
            "threshold": chosen.value,
            "above, promised": float("nan") if name == "budget" else 1 - held.profile.threshold.quantile,
            "above, found": held.share_above(chosen.value),
            "above, other half": float(np.mean([b.share_above(v) for v, b in pairs])) if pairs else float("nan"),
            "incidents a device and month": held.incidents_per_month(chosen.value),
            "incidents, other half": (
                float(np.mean([b.incidents_per_month(v) for v, b in pairs])) if pairs else float("nan")
            ),
            "chosen": name == held.profile.threshold.rule,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def budgets(held: HeldBack) -> pd.DataFrame:
    """What each alarm budget asks for: threshold, windows above it, and incidents a device and month."""
    own = held.profile.threshold.false_incidents_per_month
    rows = []
    for most, lowest in sorted(steps(held, [*BUDGETS, *([] if own is None else [own])]).items()):
        value = max(lowest, LOWEST)
        rows.append(
            {
                "budget": most,
                "threshold": value,
                "above": held.share_above(value),
                "incidents a device and month": held.incidents_per_month(value),
            }
        )
    return pd.DataFrame(rows).set_index("budget")


def persistence(held: HeldBack, value: float) -> pd.DataFrame:
    """Incidents a device and month when they open after k of n windows above a threshold.

    Columns: soonest (what an event that is above the threshold from its start on takes to open one); incidents at the
    threshold and at factors of it; whether it is the profile's.
    """
    rules = held.profile.incidents
    rows = {}
    for k, n in sorted({*PERSISTENCE, (rules.k, rules.n)}):
        of = held.profile.model_copy(update={"incidents": Incidents(k=k, n=n, quiet=rules.quiet)})
        waiting = HeldBack(of, held.parts)
        rows[f"{k} of {n}"] = {
            "soonest": duration(k * held.step_s),
            **{f"at {f:g} × the threshold": waiting.incidents_per_month(f * value) for f in (0.7, 0.85, 1.0, 1.2)},
            "profile's": (k, n) == (rules.k, rules.n),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
