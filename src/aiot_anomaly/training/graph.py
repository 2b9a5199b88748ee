"""The whole detector as one TensorFlow function: standardise, network, score, explain.

Exported to ONNX it is the bundle's `model.onnx`: physical units and a calibration in; score, contributions
and expected values out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from aiot_anomaly import scoring
from aiot_anomaly.calibration import shapes
from aiot_anomaly.derived import Log
from aiot_anomaly.profile import Profile
from aiot_anomaly.training.network import clock_table

OUTPUTS = ("score", "contributions", "expected", "lower", "upper", "level", "residual", "last")


def carriers(profile: Profile) -> list[int]:
    """For each sensor, the scored column of the window that carries its expected value: the first that is of now."""
    of_now = [c for c in profile.scored_inputs if (log := logarithm(profile, c)) is None or not log.memory]
    return [
        next(c for c in (*of_now, *profile.scored_inputs) if profile.input_sensor[c] == s)
        for s in range(len(profile.sensors))
    ]


def logarithm(profile: Profile, column: int) -> Log | None:
    """What a column of the window is the logarithm of, if it is one."""
    derived = profile.derived[column - len(profile.sensors)] if column >= len(profile.sensors) else None
    return derived if isinstance(derived, Log) else None


def signature(profile: Profile) -> list[Any]:
    """The function's inputs, in order, each with a leading batch dimension."""
    steps, width = profile.window.steps, len(profile.input_names)
    # values and levels come in double precision: a small change of a large value must survive the subtraction
    return [
        tf.TensorSpec((None, steps, width), tf.float64, name="values"),
        tf.TensorSpec((None, steps), tf.int64, name="season"),
        tf.TensorSpec((None,), tf.float32, name="threshold"),
        *(
            tf.TensorSpec((None, *shape), tf.float64 if name in {"center", "scale"} else tf.float32, name=name)
            for name, shape in shapes(profile).items()
        ),
    ]


def _at(tensor: Any, which: int) -> Any:
    # not tensor[:, which], of which the converter makes two nodes
    return tf.gather(tensor, which, axis=1)


def _end(tensor: Any) -> Any:
    return _at(tensor, tensor.shape[1] - 1)


def _in_units(logs: Sequence[Log | None], linear: Any, logarithmic: Any) -> Any:
    """(B, S) in the sensors' units: of those with a logarithm it is that which counts."""
    if not any(logs):
        return linear
    is_log = np.array([log is not None for log in logs])
    offset = np.array([0.0 if log is None else log.offset for log in logs])
    return tf.where(is_log, tf.nn.relu(tf.exp(tf.where(is_log, logarithmic, 0.0)) - offset), linear)


def detector(profile: Profile, network: Any) -> Any:
    """The function that the bundle carries.

    Args:
        profile: the kind of device.
        network: from `aiot_anomaly.training.network.build`, trained.

    Returns:
        A `tf.function` with the inputs of `signature` that returns the tensors of `OUTPUTS`, in order:
        score (B,), contributions, expected, lower, upper (B, S) and level, residual, last (B, F).
    """
    # numpy, so that tracing makes constants of them: eager tensors would become inputs of the exported graph
    mask = scoring.mask(profile).astype(np.float32)
    table = clock_table(profile).astype(np.float32)
    to_sensor = np.eye(len(profile.sensors), dtype=np.float32)[list(profile.input_sensor)]
    carrier, sensors = carriers(profile), len(profile.sensors)
    averaged = profile.scoring.last_steps
    removed = profile.scoring.kind == "removed"
    logs = [logarithm(profile, c) for c in carrier]

    def columns(tensor: Any) -> Any:
        return tensor if carrier == list(range(tensor.shape[1])) else tf.gather(tensor, carrier, axis=1)

    def standardise(values: Any, season: Any, center: Any, scale: Any) -> tuple[Any, Any, Any]:
        if profile.season.slots == 1:
            level, spread = center, scale
        else:
            # not tf.one_hot: the converter knows it for vectors only
            slot = tf.equal(tf.expand_dims(season, 2), np.arange(profile.season.slots)[None, None, :])
            level, spread = (tf.matmul(tf.cast(slot, tf.float64), of) for of in (center, scale))
        return tf.cast((values - level) / spread, tf.float32) * mask, level, spread

    def reconstruct(z: Any, season: Any) -> Any:
        return network([z, tf.gather(table, season)] if table.shape[1] else [z], training=False)

    def parts(level: Any, residual: Any, weights: Any, scales: Any) -> tuple[Any, Any]:
        if removed:
            each = tf.stack(tf.split(weights * tf.concat([level, residual], axis=1), 2, axis=1), axis=1)
            return tf.reduce_max(tf.reduce_sum(each, axis=2), axis=1) / scales[:, 0], tf.reduce_sum(each, axis=1)
        rows = tf.stack([level, residual], axis=1)
        shares = np.array([profile.scoring.level_weight, 1.0], dtype=np.float32)[None, :, None]
        each = shares * rows * tf.linalg.matvec(weights, rows) / tf.expand_dims(scales, 2)
        return tf.sqrt(tf.nn.relu(tf.reduce_sum(each, axis=[1, 2]))), tf.reduce_sum(tf.abs(each), axis=1)

    @tf.function(input_signature=signature(profile))  # type: ignore[untyped-decorator] # TensorFlow publishes no types
    def detect(values: Any, season: Any, threshold: Any, *calibration: Any) -> list[Any]:
        own = dict(zip(shapes(profile), calibration, strict=True))
        z, normal, spread = standardise(values, season, own["center"], own["scale"])
        if profile.scoring.whiten:
            z = tf.matmul(z, _at(own["whitening"], 0))
        z = tf.clip_by_value(z, -profile.scoring.clip, profile.scoring.clip)
        reconstructed = reconstruct(z, season)
        difference = (z - reconstructed) * mask
        if removed:
            level = tf.reduce_mean(tf.abs(difference[:, -averaged:]), axis=1)
            residual = tf.reduce_mean(tf.abs(difference), axis=1)
        else:
            level = tf.reduce_mean(z[:, -averaged:], axis=1)
            residual = tf.reduce_mean(difference[:, -averaged:], axis=1)
        raw, each = parts(level, residual, own["weights"], own["score_scale"])
        clean, last = _end(reconstructed), _end(difference)
        if profile.scoring.whiten:
            back = _at(own["whitening"], 1)
            clean, last = (tf.linalg.matvec(back, of) for of in (clean, last))
        shares = tf.matmul(each, to_sensor) + 1e-9
        unit = columns(_end(spread))
        step = unit * tf.cast(columns(clean), tf.float64)
        margin = unit * tf.cast(columns(own["band"]), tf.float64)
        middle = columns(_end(normal)) + step
        # a derived input's expected value moves its sensor by as much
        own_carrier = carrier == list(range(sensors))
        moved = middle if own_carrier else _end(values)[:, :sensors] - columns(_end(values)) + middle
        expected, lower, upper = (
            _in_units(logs, *of)
            for of in ((moved, middle), (moved - margin, middle - margin), (moved + margin, middle + margin))
        )
        result = {
            "score": raw / threshold,
            "contributions": shares / tf.reduce_sum(shares, axis=1, keepdims=True),
            "expected": expected,
            "lower": lower,
            "upper": upper,
            "level": level,
            "residual": residual,
            "last": last,
        }
        return [tf.identity(result[name], name=name) for name in OUTPUTS]

    return detect
