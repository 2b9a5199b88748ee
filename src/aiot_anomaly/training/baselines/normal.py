"""What a device's inputs normally are, and how far they are from it: the form that most baselines work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiot_anomaly import preprocessing, series
from aiot_anomaly.calibration import SCALE_FLOOR
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.windows import season_slots

#: fewest known normal rows that anything is fitted on
FEWEST_ROWS = 10
DAY_S = 86_400


@dataclass(frozen=True)
class Normal:
    """The level in each slot of the season, and the deviation from it.

    Attributes:
        center: (K, F) in the inputs' units.
        scale: (F,) in the inputs' units.
        clip: most deviations.
    """

    center: Float
    scale: Float
    clip: float

    def standardise(self, values: Float, slots: Int) -> Float:
        """Values (…, F) in the slots (…) as deviations, clipped as the network's inputs are."""
        return np.clip((values - self.center[slots]) / self.scale, -self.clip, self.clip)


def fit(profile: Profile, values: Float, slots: Int, chosen: Bool) -> Normal:
    """What is normal by the rows (n, F), in the slots (n,), where `chosen` (n,).

    The columns are the profile's scored inputs; rows with a missing value are left out.

    Raises:
        TrainingError: there are too few such rows.
    """
    usable = chosen & np.isfinite(values).all(axis=1)
    if usable.sum() < FEWEST_ROWS:
        raise TrainingError(f"{usable.sum()} complete normal rows, expected at least {FEWEST_ROWS}: give more of them")
    rows, at = values[usable], slots[usable]
    center = np.tile(rows.mean(axis=0), (profile.season.slots, 1))
    for slot in np.unique(at):
        center[slot] = rows[at == slot].mean(axis=0)
    deviation = np.sqrt(np.mean((rows - center[at]) ** 2, axis=0))
    return Normal(center, np.maximum(deviation, smallest_scale(profile)), profile.scoring.clip)


def smallest_scale(profile: Profile) -> Float:
    """(F,) what the scale of each scored input is never below, in its unit."""
    floors = [SCALE_FLOOR * profile.sensors[i].smallest_deviation for i in profile.input_sensor]
    for i, derived in enumerate(profile.derived, len(profile.sensors)):
        floors[i] = max(floors[i], derived.floor)
    return np.array(floors)[list(profile.scored_inputs)]


def averaging(profile: Profile) -> int:
    """Grid intervals that textbook methods average over.

    As many as the profile's own scoring does; a day at least where the hours of the day differ and each is looked at,
    as a method without a network has no other way to tell a small lasting deviation.
    """
    window = profile.window
    own = (profile.scoring.last_steps - 1) * window.step + window.aggregate
    hourly = profile.season.kind == "hour_of_week" and window.stride * profile.interval_s < DAY_S
    return max(own, DAY_S // profile.interval_s) if hourly else own


def times(profile: Profile, device: Device) -> Int:
    """(n,) the points of the device's grid, seconds since 1970."""
    return (device.series.first_slot + np.arange(len(device.series))) * profile.interval_s


def known(profile: Profile, device: Device, until: int, span: int = 1) -> Bool:
    """(n,) True at the points of the grid up to `until` that have no labelled anomaly in the last `span` intervals."""
    marked = np.zeros(len(device.series) + 1, dtype=np.int64)
    if device.recording.labels is not None:
        at = series.slots(profile, device.recording.timestamps)[device.recording.labels] - device.series.first_slot
        marked[at + 1] = 1
    total = np.cumsum(marked)
    stop = np.arange(1, len(total))
    return np.asarray((times(profile, device) <= until) & (total[stop] == total[np.maximum(stop - span, 0)]))


def inputs(profile: Profile, device: Device, *, aggregate: int | None = None) -> Float:
    """(n, F) the scored inputs at each point of the grid, means of `aggregate` intervals or the profile's own."""
    if aggregate is not None:
        window = profile.window.model_copy(update={"aggregate": aggregate})
        profile = profile.model_copy(update={"window": window})
    return preprocessing.inputs(profile, device.series)[:, list(profile.scored_inputs)]


def deviations(profile: Profile, device: Device, until: int, length: int) -> Float:
    """(n, F) trailing means, of `length` grid intervals, of the deviations from what was normal up to `until`."""
    values, at = inputs(profile, device, aggregate=1), times(profile, device)
    slots = season_slots(profile, at)[:, -1]
    level = fit(profile, values, slots, known(profile, device, until))
    return preprocessing.trailing_mean(level.standardise(values, slots), length)


def at_ends(profile: Profile, device: Device, values: Float, ends: Int) -> Float:
    """Of values (n, …) on the device's grid, those at the ends (m,): (m, …)."""
    return np.asarray(values[ends // profile.interval_s - device.series.first_slot])
