"""Runs a bundle's graph with ONNX Runtime: what the notebooks score is what the API answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from aiot_anomaly.calibration import Calibration, shapes
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows, same_season, season_slots

#: windows a run of the graph takes at most, so that memory stays bounded
BATCH = 1024
#: calibrations, thresholds and seasons that are kept in the graph's own types
PREPARED = 256
#: calibrations that are kept for so many windows together: the fleet's, and a few devices' that ask much
USUAL, TOGETHER = 4, 64
_NAMES = ("score", "contributions", "expected", "lower", "upper", "level", "residual", "last")


@dataclass(frozen=True)
class Scores:
    """What the graph says of n windows of a profile with S sensors and F inputs.

    Attributes:
        score: (n,) 1.0 is the threshold, higher is more anomalous.
        contributions: (n, S) share of each sensor in the score; rows sum to 1.
        expected, lower, upper: (n, S) what was expected of each sensor at the window's end, in its unit.
        level, residual, last: (n, F) what a calibration is computed from, standardised.
    """

    score: Float
    contributions: Float
    expected: Float
    lower: Float
    upper: Float
    level: Float
    residual: Float
    last: Float


class Graph:
    """A bundle's `model.onnx`, loaded. Safe for use from several threads."""

    def __init__(self, model: Path | bytes, profile: Profile, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        # one thread was faster than two for windows of this size
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        source = model if isinstance(model, bytes) else str(model)
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._inputs = {i.name: np.float64 if "double" in i.type else np.float32 for i in self._session.get_inputs()}
        self._profile = profile
        self._prepared = lru_cache(PREPARED)(self._prepare)
        self._together = lru_cache(USUAL)(lambda c: self._repeat(c, TOGETHER))
        self._thresholds = lru_cache(PREPARED)(self._threshold)
        self._slots = lru_cache(PREPARED)(lambda end: season_slots(profile, np.array([end])))
        self._no_season = season_slots(profile, np.zeros(BATCH, dtype=np.int64)) if profile.season.slots == 1 else None

    def score(
        self,
        windows: Windows,
        calibrations: Calibration | Sequence[Calibration],
        threshold: Float | float = 1.0,
    ) -> Scores:
        """Scores complete windows.

        Args:
            windows: complete ones only.
            calibrations: one for all, or one for each window.
            threshold: raw score that is calibrated to 1.0; one for all, or one for each window.
        """
        if not len(windows):
            # ONNX Runtime's LSTM ends the whole process on an empty batch
            return self._none()
        parts = [self._run(windows, calibrations, threshold, at) for at in range(0, len(windows), BATCH)]
        if len(parts) == 1:
            return Scores(*parts[0])
        return Scores(*(np.concatenate([p[i] for p in parts]) for i in range(len(_NAMES))))

    def _run(
        self, windows: Windows, calibrations: Calibration | Sequence[Calibration], threshold: Float | float, at: int
    ) -> list[Float]:
        values = windows.values[at : at + BATCH]
        n = len(values)
        feed = {"values": np.ascontiguousarray(values, dtype=self._inputs["values"])}
        if "season" in self._inputs:
            feed["season"] = self._season(windows.ends[at : at + BATCH])
        if isinstance(threshold, np.ndarray):
            feed["threshold"] = threshold[at : at + BATCH].astype(self._inputs["threshold"])
        else:
            feed["threshold"] = self._thresholds(threshold, n)
        if isinstance(calibrations, Calibration):
            feed.update(self._repeated(calibrations, n))
        else:
            feed.update(self._stacked(calibrations[at : at + BATCH]))
        return [np.asarray(o, dtype=np.float64) for o in self._session.run(_NAMES, feed)]

    def _season(self, ends: Int) -> Int:
        if self._no_season is not None:
            return self._no_season[: len(ends)]
        # a window alone is the usual request, and whoever asks about it has asked at this hour before
        return (
            self._slots(same_season(self._profile, int(ends[0])))
            if len(ends) == 1
            else season_slots(self._profile, ends)
        )

    def _threshold(self, threshold: float, n: int) -> np.ndarray:
        return np.full(n, threshold, dtype=self._inputs["threshold"])

    def _repeated(self, calibration: Calibration, n: int) -> dict[str, np.ndarray]:
        if n == 1:
            return self._prepared(calibration)
        if n <= TOGETHER:
            return {name: array[:n] for name, array in self._together(calibration).items()}
        return self._repeat(calibration, n)

    def _repeat(self, calibration: Calibration, n: int) -> dict[str, np.ndarray]:
        return {name: np.repeat(array, n, axis=0) for name, array in self._prepared(calibration).items()}

    def _stacked(self, calibrations: Sequence[Calibration]) -> dict[str, np.ndarray]:
        # windows of few devices, or of many without a calibration of their own, are the usual case
        rows = {c: i for i, c in enumerate(dict.fromkeys(calibrations))}
        if len(rows) == 1:
            return self._repeated(calibrations[0], len(calibrations))
        arrays = [self._prepared(c) for c in rows]
        stacked = {name: np.concatenate([a[name] for a in arrays]) for name in arrays[0]}
        if len(rows) == len(calibrations):
            return stacked
        index = np.array([rows[c] for c in calibrations])
        return {name: array.take(index, axis=0) for name, array in stacked.items()}

    def _prepare(self, calibration: Calibration) -> dict[str, np.ndarray]:
        """The inputs that a calibration is for one window, in the graph's types."""
        return {
            name: np.ascontiguousarray(getattr(calibration, name), dtype=self._inputs[name]).reshape(1, *shape)
            for name, shape in shapes(self._profile).items()
            if name in self._inputs
        }

    def _none(self) -> Scores:
        sensors, inputs = np.empty((0, len(self._profile.sensors))), np.empty((0, len(self._profile.input_names)))
        return Scores(np.empty(0), sensors, sensors, sensors, sensors, inputs, inputs, inputs)

    def residuals(self, windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        """(level, residual, last) of each window: the `Residuals` that a calibration is computed from."""
        scores = self.score(windows, calibration)
        return scores.level, scores.residual, scores.last
