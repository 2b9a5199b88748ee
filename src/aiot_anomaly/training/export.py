"""From the TensorFlow function to ONNX."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from aiot_anomaly.calibration import Calibration, shapes
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.graph import OUTPUTS, detector, signature
from aiot_anomaly.windows import Windows, season_slots

OPSET = 17
#: where an LSTM has its initial states among its inputs
#: (https://onnx.ai/onnx/operators/onnx__LSTM.html); without them they are zeros
_STATES = slice(5, 7)


def to_onnx(profile: Profile, network: Any) -> bytes:
    """The detector with this network as an ONNX model."""
    model = converted(detector(profile, network), signature(profile), OUTPUTS)
    model.doc_string = (
        f"{profile.title}: physical units and a calibration in; score, contributions, expected values out"
    )
    return bytes(model.SerializeToString())


def converted(function: Any, inputs: Sequence[Any], outputs: Sequence[str]) -> Any:
    """A TensorFlow function as an ONNX model of few nodes.

    For a window alone each node costs more than what it computes, and the converter leaves about twice as many as there
    need to be: it computes shapes that are known, and zeros that are the default.

    Args:
        function: a `tf.function`.
        inputs: its input signature.
        outputs: names of what it returns, in order.
    """
    import onnxslim  # noqa: PLC0415 - both slow to import, and only used here
    import tf2onnx  # noqa: PLC0415

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(function, input_signature=inputs, opset=OPSET)
    # the converter names outputs by position
    renamed = dict(zip((o.name for o in model.graph.output), outputs, strict=True))
    for node in model.graph.node:
        node.output[:] = [renamed.get(o, o) for o in node.output]
        node.input[:] = [renamed.get(i, i) for i in node.input]
    for output in model.graph.output:
        output.name = renamed[output.name]
    _start_from_default(model.graph)
    return onnxslim.slim(model)


def _start_from_default(graph: Any) -> None:
    """Takes from each LSTM the initial states that are zeros: they are so without being told."""
    from onnx import numpy_helper  # noqa: PLC0415 - as above

    made_by = {output: node for node in graph.node for output in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}

    def is_zeros(name: str) -> bool:
        while name in made_by and made_by[name].op_type in {"Unsqueeze", "Expand"}:
            name = made_by[name].input[0]
        return name in constants and not numpy_helper.to_array(constants[name]).any()

    for node in graph.node:
        if node.op_type == "LSTM" and all(is_zeros(name) for name in node.input[_STATES]):
            del node.input[_STATES]


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
