"""The champion's graph exported anew: what a better exporter gives, without another training.

The network stays, and with it the bundle's version: calibrations that were made for it hold.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from aiot_anomaly import bundle as bundles
from aiot_anomaly import detector, paths, profile_store
from aiot_anomaly.bundle import MANIFEST, MODEL
from aiot_anomaly.errors import BundleError
from aiot_anomaly.inference import Graph
from aiot_anomaly.training.export import to_onnx
from aiot_anomaly.training.network import NetworkConfig
from aiot_anomaly.training.packaging import GOLDEN_AT_BUILD, restore
from aiot_anomaly.training.promotion import placed


def reexport(profile_name: str, *, models: Path | None = None) -> Path:
    """Makes the graph of a promoted bundle again, from its weights, and puts it into the bundle.

    Args:
        profile_name: the kind of device.
        models: the folder of bundles, `serving/models` if not given.

    Returns:
        The bundle's folder.

    Raises:
        BundleError: there is no bundle that holds, or the new graph would answer something else than the old one.
    """
    target = (models or paths.models()) / profile_store.load(profile_name).name
    old = detector.load(target)
    bundle, profile = old.bundle, old.profile
    network = restore(profile, NetworkConfig.model_validate(bundle.manifest.network), target / bundles.WEIGHTS)
    model = to_onnx(profile, network)
    _compare(old.graph, Graph(model, profile), bundle)
    with placed(target) as fresh:
        shutil.copytree(target, fresh)
        (fresh / MODEL).write_bytes(model)
        # everything else in it is as it was, to the letter
        manifest = (fresh / MANIFEST).read_text(encoding="utf-8")
        manifest = manifest.replace(bundle.manifest.sha256[MODEL], bundles.sha256(fresh / MODEL))
        (fresh / MANIFEST).write_text(manifest, encoding="utf-8")
        detector.load(fresh, tolerance=GOLDEN_AT_BUILD)
    return target


def _compare(old: Graph, new: Graph, bundle: bundles.Bundle) -> None:
    golden = bundle.golden.windows(bundle.profile)
    before, after = (
        {**g.score(golden, bundle.fleet, bundle.threshold)._asdict(), "residuals": g.residuals(golden, bundle.fleet)}
        for g in (old, new)
    )
    for name, expected in before.items():
        if not np.allclose(after[name], expected, rtol=GOLDEN_AT_BUILD, atol=GOLDEN_AT_BUILD):
            off = float(np.max(np.abs(np.subtract(after[name], expected))))
            raise BundleError(
                f"bundle {bundle.folder}: a graph of its weights answers another {name} than its {MODEL}, off by "
                f"{off:.2g}, expected {GOLDEN_AT_BUILD:g} at most: the two do not belong together; train it again"
            )
