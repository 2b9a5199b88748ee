"""A new device's own normal readings to its calibration: as training does it for the devices that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aiot_anomaly import windows
from aiot_anomaly.calibration import FEWEST_WINDOWS, Calibration, complete
from aiot_anomaly.detection import SeriesOutcome, complete_blocks, in_order, outcomes
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows


@dataclass(frozen=True)
class SeriesCalibration:
    """A calibration, and how many readings had each outcome: those that are `decided` are what it was computed from."""

    calibration: Calibration
    outcomes: Mapping[SeriesOutcome, int]


def calibrate_series(detector: Detector, timestamps: Int | Float, values: Float) -> SeriesCalibration:
    """The calibration of a device from its own readings of normal operation.

    Args:
        detector: a loaded bundle; the calibration is stamped with its version.
        timestamps: (n,) seconds since 1970 UTC, in any order.
        values: (n, S) in the sensors' units, NaN where missing.

    Raises:
        WindowError: `values` does not have a row for each timestamp and a column for each sensor.
        CalibrationError: `insufficient_history`: the readings have too few complete windows; `readings_needed` of its
            details is how many further readings, without a gap, are enough.
    """
    profile = detector.profile
    slots, rows = in_order(profile, timestamps, values)
    used, ends = _spread(profile, slots, rows)
    if len(ends) < FEWEST_WINDOWS:
        needed = windows.readings_needed(profile, slots, rows) if len(slots) else profile.span
        needed += (FEWEST_WINDOWS - len(ends) - 1) * profile.window.stride
        raise CalibrationError(
            f"{len(ends)} complete windows of normal readings, expected at least {FEWEST_WINDOWS}: "
            f"send {needed} more readings, one every {profile.interval_s} s without a gap",
            code="insufficient_history",
            found=len(ends),
            expected=FEWEST_WINDOWS,
            readings_needed=needed,
        )
    calibration = complete(profile, used, detector.graph.residuals, detector.bundle.version)
    return SeriesCalibration(calibration, outcomes(profile, slots, ends, given=len(timestamps)))


def _spread(profile: Profile, slots: Int, values: Float) -> tuple[Windows, Int]:
    """The complete windows, evenly fewer of them where all would not fit into memory, and the ends of all."""
    most = max(FEWEST_WINDOWS, windows.BLOCK_NUMBERS // (profile.window.steps * len(profile.input_names)))
    kept, ends = windows.joined(profile, []), [np.empty(0, dtype=np.int64)]
    every, seen = 1, 0
    for block in complete_blocks(profile, slots, values):
        if not len(block):
            continue
        ends.append(block.ends)
        kept = windows.joined(profile, [kept, block.only((seen + np.arange(len(block))) % every == 0)])
        seen += len(block)
        while len(kept) > 2 * most:
            kept, every = kept.only(np.arange(0, len(kept), 2)), 2 * every
    return kept, np.concatenate(ends)
