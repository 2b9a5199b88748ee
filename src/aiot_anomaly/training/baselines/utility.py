"""The rules of thumb that utilities work by today, each on the profile's first sensor."""

from __future__ import annotations

import numpy as np

from aiot_anomaly import scoring
from aiot_anomaly.calibration import SCALE_FLOOR
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.training.baselines import normal
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.judging import Judge

DAY_S, HOUR_S = 86_400, 3_600
#: the hours of local time in which legitimate use is lowest
NIGHT_H = (2, 4)
#: deviations above the mean at which a night's flow is an alarm
SIGMA = 3.0
WEEK_D = 7
#: the share of the readings that a night, or a week, must have
ENOUGH = 0.5
#: a consumer who draws nothing has a logarithm too
LEAST_RATIO = 1e-6


def has_night_flow(profile: Profile) -> bool:
    """True where anomalies raise a first sensor with a daily rhythm, as a leak raises a district's inflow."""
    return profile.season.kind == "hour_of_week" and profile.sensors[0].direction == "up"


def has_consumption(profile: Profile) -> bool:
    """True where anomalies lower a first sensor with a daily rhythm, as fraud lowers what a meter counts."""
    return profile.season.kind == "hour_of_week" and profile.sensors[0].direction == "down"


def minimum_night_flow(profile: Profile) -> Judge:
    """How many deviations the last finished night's flow was above the device's normal nights.

    A night's flow is the mean of the first sensor from 2 to 4 h local time (of the profile's offset from UTC). A row's
    score is that of the last night that ended before it, so it changes once a day; 0 where the flow was below normal.
    """

    def judge(device: Device, until: int, ends: Int) -> Float:
        finished, mean, ordinary = _nights(profile, device, until, device.series.values[:, :1])
        known = mean[ordinary, 0]
        if len(known) < 2:
            return np.full(len(ends), np.nan)
        scale = max(float(known.std(ddof=1)), SCALE_FLOOR * profile.sensors[0].smallest_deviation)
        return _of_last(finished, np.maximum(mean[:, 0] - known.mean(), 0.0) / scale, ends)

    return judge


def night_level(profile: Profile) -> Judge:
    """The Mahalanobis distance of the last finished night's mean of all sensors from the device's normal nights.

    In either direction, with the ridge of the profile's own scoring; nights and rows as of `minimum_night_flow`.
    """

    def judge(device: Device, until: int, ends: Int) -> Float:
        finished, mean, ordinary = _nights(profile, device, until, device.series.values)
        known = mean[ordinary]
        if len(known) < normal.FEWEST_ROWS:
            return np.full(len(ends), np.nan)
        floor = np.array([SCALE_FLOOR * s.smallest_deviation for s in profile.sensors])
        z = np.asarray((mean - known.mean(axis=0)) / np.maximum(known.std(axis=0), floor))
        spread = scoring.covariance(z[ordinary]) + profile.scoring.ridge * np.eye(z.shape[1])
        inverse = np.asarray(np.linalg.inv(spread), dtype=np.float64)
        return _of_last(finished, np.sqrt(scoring.distance(z, inverse)), ends)

    return judge


def _nights(profile: Profile, device: Device, until: int, values: Float) -> tuple[Int, Float, Bool]:
    """When each night finished (N,), its means (N, C) of `values` (n, C), and whether it is known to be normal (N,)."""
    offset = int(profile.season.utc_offset_h * HOUR_S)
    at = normal.times(profile, device)
    # a reading speaks of the interval that ends with it
    local = at + offset - 1
    inside = (local % DAY_S >= NIGHT_H[0] * HOUR_S) & (local % DAY_S < NIGHT_H[1] * HOUR_S)
    inside &= np.isfinite(values).all(axis=1)
    days, night = np.unique(local[inside] // DAY_S, return_inverse=True)
    count = np.bincount(night, minlength=len(days))
    mean = np.zeros((len(days), values.shape[1]))
    np.add.at(mean, night, values[inside])
    enough = count >= ENOUGH * (NIGHT_H[1] - NIGHT_H[0]) * HOUR_S / profile.interval_s
    finished = days[enough] * DAY_S + NIGHT_H[1] * HOUR_S - offset
    # a night whose end is beyond the series was not finished, and is in nobody's score
    length = (NIGHT_H[1] - NIGHT_H[0]) * HOUR_S // profile.interval_s
    ordinary = np.append(normal.known(profile, device, until, length), False)
    known = ordinary[np.minimum(np.searchsorted(at, finished), len(at))]
    return np.asarray(finished), mean[enough] / count[enough, None], np.asarray(known)


def _of_last(finished: Int, scores: Float, ends: Int) -> Float:
    """(n,) of the scores (N,) of nights that of the last one that had finished at each of `ends` (n,)."""
    last = np.searchsorted(finished, ends, side="right") - 1
    return np.where(last >= 0, scores[last], np.nan) if len(scores) else np.full(len(ends), np.nan)


def consumption_ratio(profile: Profile) -> Judge:
    """How far the last seven days' consumption is below the same consumer's normal weeks: -ln of their ratio.

    0 where it is not below; 0.69 where it is half.
    """
    week = WEEK_D * DAY_S // profile.interval_s

    def judge(device: Device, until: int, ends: Int) -> Float:
        values = device.series.values[:, 0]
        present = np.isfinite(values)
        total = np.concatenate([[0.0], np.cumsum(np.where(present, values, 0.0))])
        count = np.concatenate([[0], np.cumsum(present)])
        stop = np.arange(1, len(values) + 1)
        # a week has every hour of the week as often as the next; what is shorter has not
        start = np.maximum(stop - week, 0)
        known = (count[stop] - count[start] >= ENOUGH * week) & (stop >= week)
        mean = np.where(known, (total[stop] - total[start]) / np.maximum(count[stop] - count[start], 1), np.nan)
        normal_weeks = mean[known & normal.known(profile, device, until, week)]
        if not len(normal_weeks):
            return np.full(len(ends), np.nan)
        smallest = SCALE_FLOOR * profile.sensors[0].smallest_deviation
        ratio = np.maximum(mean, LEAST_RATIO * smallest) / max(float(normal_weeks.mean()), smallest)
        return np.asarray(np.maximum(-np.log(normal.at_ends(profile, device, ratio, ends)), 0.0))

    return judge
