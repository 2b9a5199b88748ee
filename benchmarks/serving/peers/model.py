"""What the ONNX peers share: the score graph, on the one core that a server has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort


def folder() -> Path:
    """Where the model of this run lies: `score.onnx`, `saved_model/`, `mlflow/`, `bundle/`."""
    return Path(os.environ["BENCH_MODEL"])


class Score:
    """The score graph in ONNX Runtime, on one thread."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(folder() / "score.onnx"), options, providers=["CPUExecutionProvider"])

    def __call__(self, windows: Any) -> np.ndarray:
        """Windows (B, T, F), as lists or an array, to scores (B,)."""
        (scores,) = self._session.run(["score"], {"window": np.asarray(windows, dtype=np.float64)})
        return np.asarray(scores)
