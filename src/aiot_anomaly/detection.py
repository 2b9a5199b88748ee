"""Raw readings of one device to decisions, offline: what notebooks plot and `:detect` answers.

The same preprocessing and graph as the stream's, so the decisions are those that the stream would publish. A
series is worked through in blocks, so memory stays bounded however long it is and however far apart its readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.windows import Windows

#: `pending`: the reading's window would end after the last reading
SeriesOutcome = Literal["decided", "warming_up", "gap", "duplicate", "pending"]

_BLOCK_NUMBERS = windows.BLOCK_NUMBERS
_BLOCK_ROWS = windows.BLOCK_ROWS


@dataclass(frozen=True)
class SeriesScores:
    """The scores of a series.

    Attributes:
        ends: (W,) times of the decided windows' last rows, ascending, seconds since 1970 UTC.
        scores: of these windows.
        out_of_range: (W, S) True where a reading that the window decides was out of the sensor's range.
        outcomes: how many readings had each outcome; they sum to the readings given.
        source: whose calibration was used.
    """

    ends: Int
    scores: Scores
    out_of_range: Bool
    outcomes: Mapping[SeriesOutcome, int]
    source: Source


@dataclass(frozen=True)
class SeriesDetection:
    """The predictions of a series, in order of time, and how many readings had each outcome."""

    predictions: list[Prediction]
    outcomes: Mapping[SeriesOutcome, int]


def score_series(
    detector: Detector,
    device_id: str,
    timestamps: Int | Float,
    values: Float,
    own_calibration: Calibration | None = None,
    *,
    last_only: bool = False,
) -> SeriesScores:
    """Scores every complete window of a device's readings.

    Args:
        detector: a loaded bundle.
        device_id: whose readings they are; chooses the calibration.
        timestamps: (n,) seconds since 1970 UTC, in any order.
        values: (n, S) in the sensors' units, NaN where missing.
        own_calibration: the device's, instead of the bundle's for it or the fleet's.
        last_only: score the last complete window alone; outcomes are still those of all readings.

    Raises:
        WindowError: `values` does not have a row for each timestamp and a column for each sensor.
        CalibrationError: `own_calibration` leads to a score that is not finite.
    """
    profile = detector.profile
    expected = (len(timestamps), len(profile.sensors))
    if values.shape != expected:
        raise WindowError(
            f"values have shape {values.shape}, expected {expected}: columns {', '.join(profile.sensor_names)}",
            code="wrong_sensor_count",
        )
    # of two readings in one slot the earlier counts, as in the stream
    order = np.argsort(timestamps, kind="stable")
    slots, first = np.unique(grid.slots(profile, timestamps[order]), return_index=True)
    calibration, source = detector.calibration(device_id, own_calibration)
    last = _none(profile)
    parts = [(last.ends, last.out_of_range, detector.score(last, calibration))]
    decided = [last.ends]
    for block in _blocks(profile, slots, values[order][first]):
        whole = block.only(block.complete)
        decided.append(whole.ends)
        if not last_only:
            parts.append((whole.ends, whole.out_of_range, detector.score(whole, calibration)))
        elif len(whole):
            last = whole.only(whole.ends == whole.ends[-1])
    if last_only:
        parts.append((last.ends, last.out_of_range, detector.score(last, calibration)))
    scores = Scores(*(np.concatenate(p) for p in zip(*(vars(s).values() for _, _, s in parts), strict=True)))
    if first_not_finite(scores) is not None:
        raise CalibrationError(f"the calibration for {device_id} leads to a score that is not a finite number")
    return SeriesScores(
        ends=np.concatenate([ends for ends, _, _ in parts]),
        scores=scores,
        out_of_range=np.concatenate([out for _, out, _ in parts]),
        outcomes=_outcomes(profile, slots, np.concatenate(decided), given=len(timestamps)),
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
        [Prediction.model_validate(r) for r in series_records(detector.profile, device_id, found)], found.outcomes
    )


def series_records(profile: Profile, device_id: str, found: SeriesScores) -> list[dict[str, Any]]:
    """What the graph says of a series, as the API answers it: see `aiot_anomaly.detector.records`."""
    n = len(found.ends)
    # a prediction needs of its window the time and the sensors that were out of range
    decided = Windows(found.ends, np.empty((n, 0, 0)), np.ones(n, dtype=bool), found.out_of_range)
    return records(profile, [device_id] * n, decided, found.scores, [found.source] * n)


def first_not_finite(scores: Scores) -> int | None:
    """The first window of which an answer is not a finite number, if any.

    Inputs within their ranges give finite answers; a calibration from elsewhere may hold numbers that overflow.
    """
    answers = (scores.contributions, scores.expected, scores.lower, scores.upper)
    finite = np.isfinite(scores.score)
    for answer in answers:
        finite &= np.isfinite(answer).all(axis=1)
    return None if finite.all() else int(np.argmin(finite))


def _none(profile: Profile) -> Windows:
    shape = (0, profile.window.steps, len(profile.input_names))
    none = np.empty(0, dtype=np.int64)
    return Windows(none, np.empty(shape), none.astype(bool), np.empty((0, len(profile.sensors)), dtype=bool))


def _blocks(profile: Profile, slots: Int, values: Float) -> Iterator[Windows]:
    """The windows of readings at `slots` (n,), ascending and unique, some at a time."""
    if not len(slots):
        return iter(())
    return windows.blocks(
        profile, slots, values, until=int(slots[-1]), most_numbers=_BLOCK_NUMBERS, most_rows=_BLOCK_ROWS
    )


def _outcomes(profile: Profile, slots: Int, ends: Int, *, given: int) -> dict[SeriesOutcome, int]:
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
