"""The alarm budget: a threshold that opens at most so many incidents a device and month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiot_anomaly.training.thresholds.held_back import LOWEST, Chosen, HeldBack


def budget(held: HeldBack) -> Chosen:
    """The threshold of the profile's `false_incidents_per_month`."""
    most = held.profile.threshold.false_incidents_per_month
    assert most is not None  # the profile was validated
    return within(held, most)


def within(held: HeldBack, most: float) -> Chosen:
    """The last of the normal scores, from the highest down, that opens at most `most` incidents a device and month.

    Not the lowest of all: far down alarms run together into a few long incidents.
    """
    short = most * held.device_months < 1
    return Chosen(
        steps(held, [most])[most],
        f"at most {most:g} incidents a device and month of held-back normal windows",
        f"{held.device_months:.2g} device months are shorter than one incident of the budget takes" if short else "",
    )


def steps(held: HeldBack, budgets: Sequence[float]) -> dict[float, float]:
    """The threshold of each budget, in one way down from the highest score; without the margin."""
    scores = held.scores
    kept = dict.fromkeys(budgets, float(scores.max()))  # here there is no alarm
    open_ = sorted(budgets)
    for value in np.unique(np.quantile(scores, 1 - np.geomspace(1e-5, 0.5, 300), method="higher"))[::-1]:
        found = held.incidents_per_month(max(float(value), LOWEST))
        open_ = [most for most in open_ if found <= most]
        if not open_:
            break
        kept.update(dict.fromkeys(open_, float(value)))
    return kept
