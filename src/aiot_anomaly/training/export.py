"""From the TensorFlow function to ONNX."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import tensorflow as tf

from aiot_anomaly.calibration import Calibration, shapes
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.graph import OUTPUTS, detector, signature
from aiot_anomaly.windows import Windows, season_slots

OPSET = 17


def to_onnx(profile: Profile, network: Any) -> bytes:
    """The detector with this network as an ONNX model."""
    import tf2onnx  # noqa: PLC0415 - slow to import, and only used here

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(
        detector(profile, network), input_signature=signature(profile), opset=OPSET
    )
    # the converter names outputs by position
    renamed = dict(zip((o.name for o in model.graph.output), OUTPUTS, strict=True))
    for node in model.graph.node:
        node.output[:] = [renamed.get(o, o) for o in node.output]
        node.input[:] = [renamed.get(i, i) for i in node.input]
    for output in model.graph.output:
        output.name = renamed[output.name]
    model.doc_string = (
        f"{profile.title}: physical units and a calibration in; score, contributions, expected values out"
    )
    return bytes(model.SerializeToString())


def run_keras(
    profile: Profile, network: Any, windows: Windows, calibration: Calibration, threshold: float
) -> dict[str, Float]:
    """What TensorFlow itself answers for complete windows: the reference that ONNX must agree with."""
    n = len(windows)
    specs = {s.name: s.dtype for s in signature(profile)}
    feed = {
        "values": windows.values,
        "season": season_slots(profile, windows.ends),
        "threshold": np.full(n, threshold),
        **{name: np.broadcast_to(getattr(calibration, name), (n, *shape)) for name, shape in shapes(profile).items()},
    }
    result = detector(profile, network)(*(tf.constant(v, specs[k]) for k, v in feed.items()))
    return {name: np.asarray(tensor, dtype=np.float64) for name, tensor in zip(OUTPUTS, result, strict=True)}
