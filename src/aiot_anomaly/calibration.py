"""What is normal for one device: the part of the score that is its own, not the network's.

One network serves a fleet; the calibration makes it fit each member. It is computed from the device's own
normal windows by `base` (level and scale) and `complete` (how the network's residuals spread), and travels
as small JSON with base64 arrays.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from aiot_anomaly import removal, scoring
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows, season_slots

#: fewest complete windows that a calibration is computed from
FEWEST_WINDOWS = 100
#: a scale is never below this share of the smallest deviation worth an alarm
SCALE_FLOOR = 0.05
#: half the width of the expected band, in deviations of normal residuals
BAND = 3.0
HOURS = 24
#: how many rows of the whole day an hour's own deviation is mixed with
BORROWED_ROWS = 10

Encoded = Annotated[str, Field(max_length=4_000_000)]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Arrays that make the network fit one device. Two are equal if they are the same object.

    Attributes:
        center: (K, F) normal level of each input in each slot of the season, in physical units.
        scale: (K, F) normal deviation of each input from that level, in physical units.
        whitening: (2, F, F) from standardised inputs to uncorrelated ones, and back; (0,) where the profile's inputs
            are not whitened.
        weights: two_sided: (2, F, F) precision of the level and of the residual; removed: (2F,) what each input counts.
        score_scale: (2,) what the score's parts are divided by.
        band: (F,) half the width of the expected band, in standardised units.
        model_version: the bundle whose residuals `weights`, `score_scale` and `band` describe.
        windows: how many windows it was computed from.
    """

    center: Float
    scale: Float
    whitening: Float
    weights: Float
    score_scale: Float
    band: Float
    model_version: str
    windows: int


class CalibrationDocument(BaseModel):
    """A calibration as JSON; arrays are base64 of little-endian 64-bit floats, row by row."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    profile: str
    model_version: str
    windows: int = Field(ge=1)
    center: Encoded
    scale: Encoded
    whitening: Encoded = ""
    weights: Encoded
    score_scale: Encoded
    band: Encoded


def shapes(profile: Profile) -> dict[str, tuple[int, ...]]:
    """The arrays of a calibration of this profile and their shapes."""
    f = len(profile.input_names)
    whitening: dict[str, tuple[int, ...]] = {"whitening": (2, f, f)} if profile.scoring.whiten else {}
    return {
        "center": (profile.season.slots, f),
        "scale": (profile.season.slots, f),
        **whitening,
        "weights": (2, f, f) if profile.scoring.kind == "two_sided" else (2 * f,),
        "score_scale": (2,),
        "band": (f,),
    }


def encode(profile: Profile, calibration: Calibration) -> CalibrationDocument:
    """The calibration as a document."""
    arrays = {
        name: base64.b64encode(np.ascontiguousarray(getattr(calibration, name), dtype="<f8").tobytes()).decode()
        for name in shapes(profile)
    }
    return CalibrationDocument(
        profile=profile.name, model_version=calibration.model_version, windows=calibration.windows, **arrays
    )


def decode(profile: Profile, document: CalibrationDocument) -> Calibration:
    """The document as arrays.

    Raises:
        CalibrationError: it is of another profile, an array has the wrong size or a value is not finite.
    """
    if document.profile != profile.name:
        raise CalibrationError(f"calibration is of profile {document.profile!r}, expected {profile.name!r}")
    arrays: dict[str, Float] = {"whitening": np.empty(0)}
    for name, shape in shapes(profile).items():
        try:
            raw = base64.b64decode(getattr(document, name), validate=True)
        except ValueError as e:  # of base64, or of text that is not ASCII
            raise CalibrationError(f"calibration.{name} is not base64: {e}") from None
        expected = 8 * math.prod(shape)
        if len(raw) != expected:
            raise CalibrationError(f"calibration.{name} has {len(raw)} bytes, expected {expected} for shape {shape}")
        array = np.frombuffer(raw, dtype="<f8").reshape(shape)
        if not np.isfinite(array).all():
            raise CalibrationError(f"calibration.{name} holds a value that is not finite")
        arrays[name] = array
    for name in ("scale", "score_scale"):
        if (arrays[name] <= 0).any():
            raise CalibrationError(f"calibration.{name} holds a value that is not positive")
    return Calibration(**arrays, model_version=document.model_version, windows=document.windows)


def base(profile: Profile, windows: Windows, *, fewest: int = FEWEST_WINDOWS) -> Calibration:
    """Level and scale from normal windows; the parts that need the network are neutral.

    Args:
        profile: the kind of device.
        windows: complete windows of normal operation.
        fewest: with how many windows it refuses.

    Raises:
        CalibrationError: there are too few windows.
    """
    if len(windows) < fewest:
        raise CalibrationError(
            f"{len(windows)} complete normal windows, expected at least {fewest}: give more normal rows"
        )
    last = windows.values[:, -1, :]
    season = season_slots(profile, windows.ends)[:, -1]
    center = _center(last, season, profile.season.slots)
    floor = SCALE_FLOOR * np.array([profile.sensors[i].smallest_deviation for i in profile.input_sensor])
    floor[len(profile.sensors) :] = np.maximum(floor[len(profile.sensors) :], [d.floor for d in profile.derived])
    scale = np.maximum(_deviation(last - center[season], season, profile.season.slots), floor)
    f, clip = last.shape[1], profile.scoring.clip
    standard = np.clip((last - center[season]) / scale[season], -clip, clip)
    return Calibration(
        center=center,
        scale=scale,
        whitening=scoring.whitening(profile, standard) if profile.scoring.whiten else np.empty(0),
        weights=np.stack([np.eye(f)] * 2) if profile.scoring.kind == "two_sided" else np.zeros(2 * f),
        score_scale=np.ones(2),
        band=np.full(f, BAND),
        model_version="",
        windows=len(windows),
    )


def _center(rows: Float, season: Int, slots: int) -> Float:
    """(slots, F) mean of `rows` (n, F) in each slot; a slot without rows takes the mean of all."""
    center = np.tile(rows.mean(axis=0), (slots, 1))
    for slot in np.unique(season):
        center[slot] = rows[season == slot].mean(axis=0)
    return center


def _deviation(rows: Float, season: Int, slots: int) -> Float:
    """(slots, F) root mean square of `rows` (n, F) in each hour of the day.

    Working days and weekends share it, and a few rows of the whole day stand in where an hour has few: a deviation
    needs more rows than a level.
    """
    squares = rows**2
    every = squares.mean(axis=0)
    result = np.tile(every, (slots, 1))
    hour = season % HOURS
    for at in np.unique(hour):
        own = squares[hour == at]
        result[at::HOURS] = (own.sum(axis=0) + BORROWED_ROWS * every) / (len(own) + BORROWED_ROWS)
    return np.asarray(np.sqrt(result))


def cross_fitted(profile: Profile, windows: Windows) -> list[tuple[Windows, Calibration]]:
    """Normal windows with the level and scale that they are to be judged by, as `profile.scoring.folds` says.

    With several folds each part (by time) goes with the level of the others, so that the windows look as windows will
    once the calibration is of the past; with one fold all go with their own.

    Raises:
        CalibrationError: there are too few windows.
    """
    if profile.scoring.folds == 1:
        return [(windows, base(profile, windows))]
    part = np.arange(len(windows)) * profile.scoring.folds // max(len(windows), 1)
    return [
        (windows.only(part == i), base(profile, windows.only(part != i), fewest=FEWEST_WINDOWS // 2))
        for i in range(profile.scoring.folds)
    ]


#: windows and a calibration to (level (n, F), residual (n, F), last residual (n, F)), all standardised
Residuals = Callable[[Windows, Calibration], tuple[Float, Float, Float]]


def complete(profile: Profile, windows: Windows, residuals: Residuals, model_version: str) -> Calibration:
    """The whole calibration of a device, from its own normal windows and the network's residuals on them.

    What residuals normally look like is judged as `cross_fitted` says.

    Raises:
        CalibrationError: there are too few windows.
    """
    start = base(profile, windows)
    parts = [residuals(judged, level_of) for judged, level_of in cross_fitted(profile, windows)]
    level, residual, last = (np.concatenate([p[i] for p in parts]) for i in range(3))
    if profile.scoring.kind == "two_sided":
        weights = np.stack([scoring.precision(profile, rows) for rows in (level, residual)])
        distances = [scoring.distance(rows, p) for rows, p in zip((level, residual), weights, strict=True)]
        score_scale = np.array([np.quantile(d, 0.99) for d in distances])
    else:
        weights = removal.weights(profile)
        score_scale = np.full(2, removal.scale(level, residual, weights))
    return Calibration(
        center=start.center,
        scale=start.scale,
        whitening=start.whitening,
        weights=weights,
        score_scale=np.maximum(score_scale, 1e-9),
        band=BAND * np.sqrt(np.mean(last**2, axis=0)),
        model_version=model_version,
        windows=len(windows),
    )
