"""Held-back scores whose distribution is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.thresholds.held_back import HeldBack
from tests.aiot_anomaly import kinds


def held(*scores: Any, **rules: Any) -> HeldBack:
    """One device a series of scores, in the tiny profile: a decision every 120 s, incidents of 2 of 3."""
    of = kinds.profile(threshold={"quantile": 0.99, **rules})
    step = of.interval_s * of.window.stride
    parts = (
        Scored(str(i), step * np.arange(len(s)), np.asarray(s, dtype=float), np.zeros(len(s), dtype=bool))
        for i, s in enumerate(scores)
    )
    return HeldBack(of, tuple(parts))


def exponential(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).exponential(size=n)
