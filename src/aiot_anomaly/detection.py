"""Raw readings of one device to decisions, offline: what notebooks plot and `:detect` answers.

The same preprocessing and graph as the stream's, so the decisions are those that the stream would publish. A
series is worked through in blocks, so memory stays bounded however long it is and however far apart its readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.calibration import Calibration
from aiot_anomaly.detector import Detector, Source, records
from aiot_anomaly.errors import CalibrationError, WindowError
from aiot_anomaly.inference import Scores
from aiot_anomaly.messages import Prediction
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows

#: `pending`: the reading's window would end after the last reading
SeriesOutcome = Literal["decided", "warming_up", "gap", "duplicate", "pending"]

_BLOCK_NUMBERS = windows.BLOCK_NUMBERS
_BLOCK_ROWS = windows.BLOCK_ROWS


@dataclass(frozen=True)
class SeriesScores:
    """The scores of a series.

    Attributes:
        windows: the W decided ones, in order of time, without their values.
        scores: of these windows.
        outcomes: how many readings had each outcome; they sum to the readings given.
        readings_needed: further readings, without a gap, until the next decision; 0 where the last reading has one.
        source: whose calibration was used.
    """

    windows: Windows
    scores: Scores
    outcomes: Mapping[SeriesOutcome, int]
    readings_needed: int
    source: Source

    @property
    def ends(self) -> Int:
        """(W,) times of the windows' last rows, ascending, seconds since 1970 UTC."""
        return self.windows.ends


@dataclass(frozen=True)
class SeriesDetection:
    """The predictions of a series, in order of time; the rest as in `SeriesScores`."""

    predictions: list[Prediction]
    outcomes: Mapping[SeriesOutcome, int]
    readings_needed: int


def score_series(
    detector: Detector,
    device_id: str,
    timestamps: Int | Float,
    values: Float,
    own_calibration: Calibration | None = None,
    *,
    last_only: bool = False,
    factor: float = 1.0,
) -> SeriesScores:
    """Scores every complete window of a device's readings.

    Args:
        detector: a loaded bundle.
        device_id: whose readings they are; chooses the calibration.
        timestamps: (n,) seconds since 1970 UTC, in any order.
        values: (n, S) in the sensors' units, NaN where missing.
        own_calibration: the device's, instead of the bundle's for it or the fleet's.
        last_only: score the last complete window alone; outcomes are still those of all readings.
        factor: what the threshold is multiplied by, see `scoring.threshold_factor`.

    Raises:
        WindowError: `values` does not have a row for each timestamp and a column for each sensor.
        CalibrationError: `own_calibration` leads to a score that is not finite.
    """
    profile = detector.profile
    slots, rows = in_order(profile, timestamps, values)
    calibration, source = detector.calibration(device_id, own_calibration)
    last = windows.joined(profile, [])
    parts = [(last, detector.score(last, calibration, factor))]
    decided = [last.ends]
    for block in complete_blocks(profile, slots, rows):
        decided.append(block.ends)
        if not last_only:
            parts.append((_without_values(block), detector.score(block, calibration, factor)))
        elif len(block):
            last = block.only(block.ends == block.ends[-1])
    if last_only:
        parts.append((_without_values(last), detector.score(last, calibration, factor)))
    scores = Scores(*(np.concatenate(p) for p in zip(*(s for _, s in parts), strict=True)))
    if first_not_finite(scores) is not None:
        raise CalibrationError(f"the calibration for {device_id} leads to a score that is not a finite number")
    return SeriesScores(
        windows=windows.joined(profile, [w for w, _ in parts]),
        scores=scores,
        outcomes=outcomes(profile, slots, np.concatenate(decided), given=len(timestamps)),
        readings_needed=_readings_needed(profile, slots, rows, np.concatenate(decided)),
        source=source,
    )


def detect_series(
    detector: Detector,
    device_id: str,
    timestamps: Int | Float,
    values: Float,
    own_calibration: Calibration | None = None,
    *,
    last_only: bool = False,
) -> SeriesDetection:
    """Decides every complete window of a device's readings; arguments and errors as for `score_series`."""
    found = score_series(detector, device_id, timestamps, values, own_calibration, last_only=last_only)
    return SeriesDetection(
        [Prediction.model_validate(r) for r in series_records(detector.profile, device_id, found)],
        found.outcomes,
        found.readings_needed,
    )


def series_records(profile: Profile, device_id: str, found: SeriesScores) -> list[dict[str, Any]]:
    """What the graph says of a series, as the API answers it: see `aiot_anomaly.detector.records`."""
    n = len(found.windows)
    return records(profile, [device_id] * n, found.windows, found.scores, [found.source] * n)


def in_order(profile: Profile, timestamps: Int | Float, values: Float) -> tuple[Int, Float]:
    """The grid slots of readings, ascending and unique, and their values; arguments and errors as for `score_series`.

    Of two readings in one slot the earlier counts, as in the stream.
    """
    expected = (len(timestamps), len(profile.sensors))
    if values.shape != expected:
        raise WindowError(
            f"values have shape {values.shape}, expected {expected}: columns {', '.join(profile.sensor_names)}",
            code="wrong_sensor_count",
        )
    order = np.argsort(timestamps, kind="stable")
    slots, first = np.unique(grid.slots(profile, timestamps[order]), return_index=True)
    return slots, values[order][first]


def complete_blocks(profile: Profile, slots: Int, values: Float) -> Iterator[Windows]:
    """The complete windows of readings at `slots` (n,), ascending and unique, some at a time."""
    if not len(slots):
        return
    blocks = windows.blocks(
        profile, slots, values, until=int(slots[-1]), most_numbers=_BLOCK_NUMBERS, most_rows=_BLOCK_ROWS
    )
    for block in blocks:
        yield block.only(block.complete)


def first_not_finite(scores: Scores) -> int | None:
    """The first window of which an answer is not a finite number, if any.

    Inputs within their ranges give finite answers; a calibration from elsewhere may hold numbers that overflow.
    """
    answers = (scores.contributions, scores.expected, scores.lower, scores.upper)
    finite = np.isfinite(scores.score)
    for answer in answers:
        finite &= np.isfinite(answer).all(axis=1)
    return None if finite.all() else int(np.argmin(finite))


def outcomes(profile: Profile, slots: Int, ends: Int, *, given: int) -> dict[SeriesOutcome, int]:
    """How many of `given` readings, at `slots` (n,), had each outcome where windows ending at `ends` are complete."""
    decides = windows.deciding_slot(profile, slots)
    pending = decides > slots[-1] if len(slots) else np.empty(0, dtype=bool)
    decided = np.isin(decides, ends // profile.interval_s)
    young = decides - slots[:1] + 1 < profile.span
    return {
        "decided": int(np.count_nonzero(decided)),
        "warming_up": int(np.count_nonzero(young & ~decided & ~pending)),
        "gap": int(np.count_nonzero(~young & ~decided & ~pending)),
        "duplicate": given - len(slots),
        "pending": int(np.count_nonzero(pending)),
    }


def _readings_needed(profile: Profile, slots: Int, values: Float, decided: Int) -> int:
    if not len(slots):
        return profile.span
    if len(decided) and decided[-1] == slots[-1] * profile.interval_s:
        return 0
    return windows.readings_needed(profile, slots, values)


def _without_values(found: Windows) -> Windows:
    return replace(found, values=np.empty((len(found), 0, 0)))
