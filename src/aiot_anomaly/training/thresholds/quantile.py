"""The plain quantile of normal scores."""

from __future__ import annotations

import numpy as np

from aiot_anomaly.training.thresholds.held_back import Chosen, HeldBack


def quantile(held: HeldBack) -> Chosen:
    """The profile's quantile of the held-back scores: what it promises holds for these windows alone."""
    level = held.profile.threshold.quantile
    beyond = (1 - level) * held.independent
    return Chosen(
        float(np.quantile(held.scores, level)),
        f"the {level:.2%} quantile of held-back normal scores",
        "" if beyond >= 1 else f"only {beyond:.2g} independent windows are beyond it, so that it stands on luck",
    )
