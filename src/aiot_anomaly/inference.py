"""Runs a bundle's graph with ONNX Runtime: what the notebooks score is what the API answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from aiot_anomaly.calibration import Calibration, shapes
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows, season_slots

#: windows a run of the graph takes at most, so that memory stays bounded
BATCH = 1024
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

    def score(
        self, windows: Windows, calibrations: Calibration | Sequence[Calibration], threshold: float = 1.0
    ) -> Scores:
        """Scores complete windows.

        Args:
            windows: complete ones only.
            calibrations: one for all, or one for each window.
            threshold: raw score that is calibrated to 1.0.
        """
        if not len(windows):
            # ONNX Runtime's LSTM ends the whole process on an empty batch
            return self._none()
        parts = [self._run(windows, calibrations, threshold, at) for at in range(0, len(windows), BATCH)]
        return Scores(*(np.concatenate([p[i] for p in parts]) for i in range(len(_NAMES))))

    def _run(
        self, windows: Windows, calibrations: Calibration | Sequence[Calibration], threshold: float, at: int
    ) -> list[Float]:
        values = windows.values[at : at + BATCH]
        n = len(values)
        feed: dict[str, np.ndarray] = {
            "values": values,
            "season": season_slots(self._profile, windows.ends[at : at + BATCH]),
            "threshold": np.full(n, threshold),
        }
        for name, shape in shapes(self._profile).items():
            if isinstance(calibrations, Calibration):
                feed[name] = np.broadcast_to(getattr(calibrations, name), (n, *shape))
            else:
                feed[name] = np.stack([getattr(c, name) for c in calibrations[at : at + BATCH]])
        used = {
            k: v if k == "season" else np.ascontiguousarray(v, dtype=self._inputs[k])
            for k, v in feed.items()
            if k in self._inputs
        }
        return [np.asarray(o, dtype=np.float64) for o in self._session.run(list(_NAMES), used)]

    def _none(self) -> Scores:
        sensors, inputs = np.empty((0, len(self._profile.sensors))), np.empty((0, len(self._profile.input_names)))
        return Scores(np.empty(0), sensors, sensors, sensors, sensors, inputs, inputs, inputs)

    def residuals(self, windows: Windows, calibration: Calibration) -> tuple[Float, Float, Float]:
        """(level, residual, last) of each window: the `Residuals` that a calibration is computed from."""
        scores = self.score(windows, calibration)
        return scores.level, scores.residual, scores.last
