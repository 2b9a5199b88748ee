"""A bundle's score alone, as a TensorFlow function of windows and nothing else: what the peers serve.

Threshold and the fleet's calibration are constants of it, which spares the peers what the API does for every request;
it answers neither contributions nor expected values. A window (B, T, F) has the season's slot of each row as one more
column where the profile has a season: one tensor is what every server can batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from aiot_anomaly.bundle import WEIGHTS, Bundle
from aiot_anomaly.calibration import shapes
from aiot_anomaly.training.graph import detector, signature
from aiot_anomaly.training.network import NetworkConfig, build


def function(bundle: Bundle) -> tuple[Any, Any]:
    """The network and the function window (B, T, F) -> score (B,)."""
    profile = bundle.profile
    network = build(profile, NetworkConfig.model_validate(bundle.manifest.network))
    network.load_weights(str(bundle.folder / WEIGHTS))
    detect = detector(profile, network)
    constants = [
        np.asarray(getattr(bundle.fleet, name), dtype=spec.dtype.as_numpy_dtype)[None]
        for name, spec in zip(shapes(profile), signature(profile)[3:], strict=True)
    ]
    inputs = len(profile.input_names)

    @tf.function(input_signature=[tf.TensorSpec((None, *shape(bundle)), tf.float64, name="window")])  # type: ignore[untyped-decorator] # TensorFlow publishes no types
    def score(window: Any) -> Any:
        n = tf.shape(window)[:1]
        each = [tf.tile(c, tf.concat([n, np.ones(c.ndim - 1, dtype=np.int32)], axis=0)) for c in constants]
        season = tf.cast(window[:, :, -1], tf.int64) if profile.season.slots > 1 else tf.zeros_like(window[:, :, 0])
        threshold = tf.fill(n, np.float32(bundle.threshold))
        found = detect(window[:, :, :inputs], tf.cast(season, tf.int64), threshold, *each)
        return tf.identity(found[0], name="score")

    return network, score


def shape(bundle: Bundle) -> tuple[int, int]:
    """Rows and columns of a window as the function takes it."""
    profile = bundle.profile
    return profile.window.steps, len(profile.input_names) + (profile.season.slots > 1)


def keras_model(bundle: Bundle) -> Any:
    """The function as a Keras model, for `predict`."""
    import keras  # noqa: PLC0415 - takes seconds

    network, score = function(bundle)

    class Score(keras.layers.Layer):  # type: ignore[misc] # Keras publishes no types
        """The function as a layer."""

        def call(self, window: Any) -> Any:
            return score(window)

    layer = Score(name="score", dtype="float64")
    layer.network = network
    window = keras.Input(shape(bundle), dtype="float64", name="window")
    return keras.Model(window, layer(window))
