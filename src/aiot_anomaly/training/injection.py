"""Injected deviations: what a model makes of a sensor that reads other than it should, without any label.

A held-back normal window, moved by a known deviation that began before it, is an anomaly of known size and sensor. So
for anybody's data it can be told which deviations are seen, whether the right sensor is blamed, and how many are missed
at each threshold. Real anomalies move many sensors at once and change over time; this says what can be seen at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.inference import Graph
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows

#: deviations that are tried, in the profile's smallest deviations worth an alarm
SIZES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: windows of all devices that are moved, and what a run moves at most over all sensors
MOST_WINDOWS, MOST_MOVED = 240, 6000

Part = tuple[Windows, Calibration]


def signs(profile: Profile) -> Float:
    """(S,) the way in which an anomaly moves each sensor; up, where it may be both."""
    return np.array([-1.0 if s.direction == "down" else 1.0 for s in profile.sensors])


def alone(profile: Profile, sensor: int, size: float) -> Float:
    """(S,) the shift of one sensor by `size` smallest deviations, in its unit and its direction."""
    return np.where(np.arange(len(profile.sensors)) == sensor, size * signs(profile) * _smallest(profile), 0.0)


def together(profile: Profile, size: float) -> Float:
    """(S,) the shift of all sensors that have a direction, as an anomaly moves them."""
    directed = np.array([s.direction != "both" for s in profile.sensors])
    return np.where(directed, size * signs(profile) * _smallest(profile), 0.0)


def _smallest(profile: Profile) -> Float:
    return np.array([s.smallest_deviation for s in profile.sensors])


def moved(profile: Profile, windows: Windows, shift: Float) -> Windows:
    """The windows with each sensor moved by `shift` (S,) in all of their rows.

    A shift that began before the window changes no derived change. Only where a sensor's level is not scored, its
    derived inputs move by as much, as if it had happened within their span: its level would tell nothing.
    """
    n = len(profile.sensors)
    by_column = np.array([shift[s] for s in profile.input_sensor])
    scored_level = np.array([profile.sensors[s].score_level for s in profile.input_sensor])
    by_column[n:] *= ~scored_level[n:]
    return Windows(windows.ends, windows.values + by_column, windows.complete, windows.out_of_range)


def thinned(parts: Sequence[Part], profile: Profile) -> list[Part]:
    """Evenly fewer windows of each device, so that all sensors can be tried in some seconds."""
    total = sum(len(w) for w, _ in parts)
    step = -(-total // max(10, min(MOST_WINDOWS, MOST_MOVED // len(profile.sensors)))) if total else 1
    kept = [(w.only(np.arange(len(w)) % step == step // 2), c) for w, c in parts]
    return [(w, c) for w, c in kept if len(w)]


@dataclass(frozen=True)
class Response:
    """What a model answers to deviations of each sensor alone.

    Attributes:
        sizes: (K,) of the deviations, in smallest deviations worth an alarm.
        gain: (S, K) median score over the one that 99 % of normal windows do not exceed: above 1 the deviation is seen.
        blame: (S, S) mean share of the score that each sensor (column) has when one (row) deviates by the largest size.
    """

    sizes: Float
    gain: Float
    blame: Float

    @property
    def blamed(self) -> Float:
        """(S,) the share of the score that the sensor itself has, by the largest deviation."""
        return np.diag(self.blame)

    def seen_from(self) -> Float:
        """(S,) the smallest deviation that most windows show by a score above normal; NaN if none of those tried."""
        high = self.gain > 1
        return np.where(high.any(axis=1), self.sizes[high.argmax(axis=1)], np.nan)


def response(profile: Profile, graph: Graph, parts: Sequence[Part]) -> Response:
    """The answers to each sensor's deviations in held-back normal windows.

    Args:
        profile: the kind of device.
        graph: the model.
        parts: each device's complete normal windows with the calibration that they are scored by.
    """
    few = thinned(parts, profile)
    normal = float(np.quantile(np.concatenate([graph.score(w, c).score for w, c in few]), 0.99))
    gain = np.empty((len(profile.sensors), len(SIZES)))
    blame = np.empty((len(profile.sensors), len(profile.sensors)))
    for sensor in range(len(profile.sensors)):
        for k, size in enumerate(SIZES):
            shift = alone(profile, sensor, size)
            answers = [graph.score(moved(profile, w, shift), c) for w, c in few]
            gain[sensor, k] = np.median(np.concatenate([a.score for a in answers])) / max(normal, 1e-9)
        blame[sensor] = np.concatenate([a.contributions for a in answers]).mean(axis=0)
    return Response(np.array(SIZES), gain, blame)


def injected_scores(profile: Profile, graph: Graph, parts: Sequence[Part]) -> dict[float, Float]:
    """Raw scores of moved windows by the size of the deviation: what is missed at a threshold is the share below it.

    Where it is known which way anomalies move, all sensors with a direction move together; else each alone, pooled.
    """
    few = thinned(parts, profile)
    found = {}
    for size in SIZES:
        ways = (
            [together(profile, size)]
            if profile.directed
            else [alone(profile, s, size) for s in range(len(profile.sensors))]
        )
        found[size] = np.concatenate([graph.score(moved(profile, w, way), c).score for way in ways for w, c in few])
    return found
