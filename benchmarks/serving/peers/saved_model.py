"""FastAPI with a TensorFlow SavedModel, called through its signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.serving.peers import model, route

_LOADED = tf.saved_model.load(str(model.folder() / "saved_model"))
_SCORE = _LOADED.signatures["serving_default"]


def _score(windows: list[Any]) -> np.ndarray:
    (scores,) = _SCORE(window=tf.constant(windows, dtype=tf.float64)).values()
    return np.asarray(scores)


app = route.app(_score)
