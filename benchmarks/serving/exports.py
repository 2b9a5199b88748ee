"""A bundle's score in the forms that the peers load: python -m benchmarks.serving.exports NAME..."""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow
import numpy as np
import onnx
import tensorflow as tf
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from aiot_anomaly import bundle as bundles
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.training.export import converted
from benchmarks.serving import reference, score, work


def save(bundle: Bundle, folder: Path) -> None:
    """Writes it in all forms: `saved_model/`, `score.onnx`, and as MLflow models `mlflow/` and `mlflow_onnx/`."""
    network, function = score.function(bundle)
    module = tf.Module()
    module.network, module.score = network, function
    tf.saved_model.save(module, str(folder / "saved_model"), signatures={"serving_default": function})
    # as the bundle's own graph is exported: its few nodes are the peers' gain, too
    model = converted(function, function.input_signature, ["score"])
    onnx.save(model, str(folder / "score.onnx"))
    window = TensorSpec(np.dtype("float64"), (-1, *score.shape(bundle)), "window")
    # the environment is the peers' own: nothing is to be found out or installed
    mlflow.onnx.save_model(
        model,
        str(folder / "mlflow_onnx"),
        signature=ModelSignature(Schema([window]), Schema([TensorSpec(np.dtype("float32"), (-1,), "score")])),
        onnx_session_options={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        pip_requirements=["onnxruntime"],
    )
    module.__call__ = function
    unnamed = (TensorSpec(s.type, s.shape) for s in (window, TensorSpec(np.dtype("float32"), (-1,))))
    mlflow.tensorflow.save_model(
        module,
        str(folder / "mlflow"),
        signature=ModelSignature(*(Schema([spec]) for spec in unnamed)),
        pip_requirements=["tensorflow"],
    )


def main(names: list[str]) -> None:
    """Makes all forms of the models of these names, and the reference's bundle."""
    for name in names:
        source = reference.write(work.MADE / name) if name == work.REFERENCE else work.SHIPPED / name
        folder = work.FOLDER / name
        folder.mkdir(parents=True)
        (folder / "bundle").symlink_to(source)
        save(bundles.load(source), folder)


if __name__ == "__main__":
    main(sys.argv[1:])
