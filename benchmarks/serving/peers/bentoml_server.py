"""BentoML with ONNX Runtime and adaptive batching, one worker."""

from __future__ import annotations

import bentoml
import numpy as np

from benchmarks.serving.peers import model


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Score:
    """Windows to scores."""

    def __init__(self) -> None:
        self.score = model.Score()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)  # type: ignore[untyped-decorator] # not installed where types are checked
    def predict(self, windows: np.ndarray) -> np.ndarray:
        """(B, T, F) to (B,)."""
        return self.score(windows)
