"""Runs a bundle's graph with ONNX Runtime: what the notebooks score is what the API answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.graph_memory import GraphMemory
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows, same_season, season_slots

#: windows a run of the graph takes at most, so that memory stays bounded
BATCH = 1024
#: windows that the memory which is kept from one run to the next has room for: the API asks for no more at once
KEPT = 64
#: seasons that are kept
PREPARED = 256
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
        self._profile = profile
        self._has_season = "season" in {i.name for i in self._session.get_inputs()} and profile.season.slots > 1
        self._slots = lru_cache(PREPARED)(lambda end: season_slots(profile, np.array([end])))
        #: of runs that are over
        self._free: deque[GraphMemory] = deque()

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
        each = [calibrations] * n if isinstance(calibrations, Calibration) else calibrations[at : at + BATCH]
        memory = self._memory(n, each[0])
        memory.calibrate(each)
        memory.inputs["values"][:n] = values
        memory.inputs["threshold"][:n] = threshold[at : at + BATCH] if isinstance(threshold, np.ndarray) else threshold
        if self._has_season:
            memory.inputs["season"][:n] = self._season(windows.ends[at : at + BATCH])
        found = memory.run(n)
        if n <= KEPT:
            self._free.append(memory)
        return found

    def _memory(self, n: int, calibration: Calibration) -> GraphMemory:
        try:
            return self._free.pop() if n <= KEPT else GraphMemory(self._session, _NAMES, n, calibration)
        except IndexError:
            return GraphMemory(self._session, _NAMES, KEPT, calibration)

    def _season(self, ends: Int) -> Int:
        # a window alone is the usual request, and whoever asks about it has asked at this hour before
        if len(ends) == 1:
            return self._slots(same_season(self._profile, int(ends[0])))
        return season_slots(self._profile, ends)

    def _none(self) -> Scores:
        sensors, inputs = np.empty((0, len(self._profile.sensors))), np.empty((0, len(self._profile.input_names)))
        return Scores(np.empty(0), sensors, sensors, sensors, sensors, inputs, inputs, inputs)

    def residuals(self, windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        """(level, residual, last) of each window: the `Residuals` that a calibration is computed from."""
        scores = self.score(windows, calibration)
        return scores.level, scores.residual, scores.last
