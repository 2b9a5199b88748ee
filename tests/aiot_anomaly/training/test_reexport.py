"""A promoted bundle's graph, exported anew: it answers as before, or nothing is touched."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import detector, profile_store
from aiot_anomaly.errors import BundleError
from aiot_anomaly.training.reexport import reexport


@pytest.fixture
def models(tiny, tmp_path, monkeypatch):
    """A folder of bundles, with the tiny one as an older exporter left it: its graph has a node too many."""
    monkeypatch.setattr(profile_store, "load", lambda _: tiny.profile)
    folder = shutil.copytree(tiny.bundle.folder, tmp_path / "tiny")
    model = onnx.load(folder / bundles.MODEL)
    (score,) = (n for n in model.graph.node if "score" in n.output)
    score.output[list(score.output).index("score")] = "early"
    model.graph.node.append(onnx.helper.make_node("Identity", ["early"], ["score"]))
    put(folder, model.SerializeToString())
    return tmp_path


def put(folder, model: bytes) -> None:
    (folder / bundles.MODEL).write_bytes(model)
    manifest = json.loads((folder / bundles.MANIFEST).read_text())
    manifest["sha256"][bundles.MODEL] = bundles.sha256(folder / bundles.MODEL)
    (folder / bundles.MANIFEST).write_text(json.dumps(manifest))


def test_the_graph_is_new_and_everything_else_is_as_it_was(models, tiny):
    before = {p.name: p.read_bytes() for p in (models / "tiny").iterdir()}
    assert reexport("tiny", models=models) == models / "tiny"
    after = {p.name: p.read_bytes() for p in (models / "tiny").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {bundles.MODEL, bundles.MANIFEST}
    nodes = [n.op_type for n in onnx.load_from_string(after[bundles.MODEL]).graph.node]
    assert "Identity" not in nodes
    old, new = (json.loads(f[bundles.MANIFEST]) for f in (before, after))
    assert {**old, "sha256": None} == {**new, "sha256": None}
    assert [p.name for p in models.iterdir()] == ["tiny"]
    loaded = detector.load(models / "tiny")
    golden = loaded.bundle.golden.windows(loaded.profile)
    np.testing.assert_allclose(
        loaded.score(golden, loaded.bundle.fleet).score, tiny.score(golden, tiny.bundle.fleet).score, rtol=1e-6
    )


def test_weights_of_another_network_touch_nothing(models, tiny):
    import keras

    from aiot_anomaly.training.network import NetworkConfig
    from aiot_anomaly.training.packaging import restore

    folder = models / "tiny"
    config = NetworkConfig.model_validate(tiny.bundle.manifest.network)
    other = restore(tiny.profile, config, folder / bundles.WEIGHTS)
    for weights in other.trainable_variables:
        weights.assign(weights + keras.random.normal(weights.shape, seed=1))
    other.save_weights(str(folder / bundles.WEIGHTS))
    manifest = json.loads((folder / bundles.MANIFEST).read_text())
    manifest["sha256"][bundles.WEIGHTS] = bundles.sha256(folder / bundles.WEIGHTS)
    (folder / bundles.MANIFEST).write_text(json.dumps(manifest))
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(BundleError, match="do not belong together; train it again"):
        reexport("tiny", models=models)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
