"""Runs a bundle's graph with ONNX Runtime: what the notebooks score is what the API answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

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
SEASONS = 256
_RESIDUALS = ("level", "residual", "last")


class Scores(NamedTuple):
    """What the graph says of n windows of a profile with S sensors.

    Attributes:
        score: (n,) 1.0 is the threshold, higher is more anomalous.
        contributions: (n, S) share of each sensor in the score; rows sum to 1.
        expected, lower, upper: (n, S) what was expected of each sensor at the window's end, in its unit.
    """

    score: Float
    contributions: Float
    expected: Float
    lower: Float
    upper: Float


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
        self._slots = lru_cache(SEASONS)(lambda end: season_slots(profile, np.array([end])))
        #: of runs that are over, by what they were asked for
        self._free: dict[tuple[str, ...], deque[GraphMemory]] = {o: deque() for o in (Scores._fields, _RESIDUALS)}

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
        return Scores(*self._outputs(Scores._fields, windows, calibrations, threshold))

    def residuals(self, windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        """(level, residual, last), each (n, F) and standardised: what a calibration is computed from."""
        level, residual, last = self._outputs(_RESIDUALS, windows, calibration, 1.0)
        return level, residual, last

    def _outputs(
        self,
        names: tuple[str, ...],
        windows: Windows,
        calibrations: Calibration | Sequence[Calibration],
        threshold: Float | float,
    ) -> list[Float]:
        if not len(windows):
            # ONNX Runtime's LSTM ends the whole process on an empty batch
            shapes = {o.name: o.shape[1:] for o in self._session.get_outputs()}
            return [np.empty((0, *shapes[name])) for name in names]
        parts = [self._run(names, windows, calibrations, threshold, at) for at in range(0, len(windows), BATCH)]
        return parts[0] if len(parts) == 1 else [np.concatenate(p) for p in zip(*parts, strict=True)]

    def _run(
        self,
        names: tuple[str, ...],
        windows: Windows,
        calibrations: Calibration | Sequence[Calibration],
        threshold: Float | float,
        at: int,
    ) -> list[Float]:
        values = windows.values[at : at + BATCH]
        n = len(values)
        each = [calibrations] * n if isinstance(calibrations, Calibration) else calibrations[at : at + BATCH]
        memory = self._memory(names, n, each[0])
        memory.calibrate(each)
        memory.inputs["values"][:n] = values
        memory.inputs["threshold"][:n] = threshold[at : at + BATCH] if isinstance(threshold, np.ndarray) else threshold
        if self._has_season:
            memory.inputs["season"][:n] = self._season(windows.ends[at : at + BATCH])
        found = memory.run(n)
        if n <= KEPT:
            self._free[names].append(memory)
        return found

    def _memory(self, names: tuple[str, ...], n: int, calibration: Calibration) -> GraphMemory:
        if n > KEPT:
            return GraphMemory(self._session, names, n, calibration)
        try:
            return self._free[names].pop()
        except IndexError:
            return GraphMemory(self._session, names, KEPT, calibration)

    def _season(self, ends: Int) -> Int:
        # a window alone is the usual request, and whoever asks about it has asked at this hour before
        if len(ends) == 1:
            return self._slots(same_season(self._profile, int(ends[0])))
        return season_slots(self._profile, ends)
