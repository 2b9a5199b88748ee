"""FastAPI with `keras.Model.predict`."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiot_anomaly import bundle
from benchmarks.serving import score
from benchmarks.serving.peers import model, route

_MODEL = score.keras_model(bundle.load(model.folder() / "bundle"))


def _predict(windows: list[Any]) -> np.ndarray:
    return np.asarray(_MODEL.predict(np.array(windows), verbose=0))


app = route.app(_predict)
