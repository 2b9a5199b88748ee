"""The naive forecast: what was measured before is what is to be expected."""

from __future__ import annotations

import numpy as np

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.training.baselines import normal
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.judging import Judge

WEEK_S = 7 * 86_400


def lag(profile: Profile) -> int:
    """Grid intervals back to what is expected again: a week; without a season the last mean before this one."""
    return WEEK_S // profile.interval_s if profile.season.kind == "hour_of_week" else profile.window.aggregate


def naive(profile: Profile) -> Judge:
    """The difference to the same hour a week before, or to the last value where there is no season.

    In units of its normal deviation: its root mean square over the inputs; where it is known which way anomalies move,
    its mean in the direction that matters. What is removed (`Scoring.kind`) may lie either way, as a day that is turned
    around does. An anomaly longer than a week is its own expectation from then on.
    """
    back = lag(profile)
    signs = {"up": 1.0, "down": -1.0, "both": 0.0}
    sensors = [profile.sensors[profile.input_sensor[i]] for i in profile.scored_inputs]
    sign = np.array([signs[s.direction] for s in sensors])
    one_sided = profile.directed and profile.scoring.kind != "removed"

    def judge(device: Device, until: int, ends: Int) -> Float:
        values = normal.inputs(profile, device)
        change = np.full_like(values, np.nan)
        change[back:] = values[back:] - values[:-back]
        span = back + profile.window.aggregate
        known = change[normal.known(profile, device, until, span) & np.isfinite(change).all(axis=1)]
        if len(known) < normal.FEWEST_ROWS:
            # nothing to compare with yet
            return np.full(len(ends), np.nan)
        scale = np.maximum(np.sqrt(np.mean(known**2, axis=0)), normal.smallest_scale(profile))
        z = normal.at_ends(profile, device, change, ends) / scale
        if one_sided:
            return np.asarray(np.maximum(z @ sign, 0.0) / np.abs(sign).sum())
        return np.asarray(np.sqrt(np.mean(z**2, axis=1)))

    return judge
