"""Another version of a bundle, made in no time: the same network with another threshold, so with other scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from aiot_anomaly import bundle as bundles
from aiot_anomaly.detector import Detector


def variant(source: Path, target: Path, *, version: str, threshold_factor: float) -> Path:
    """Writes a whole and valid bundle, which passes the API's own check at start.

    Args:
        source: folder of a bundle.
        target: folder to write to.
        version: of the new one.
        threshold_factor: its threshold, as a multiple of the source's; scores are divided by it.
    """
    shutil.copytree(source, target)
    path = target / bundles.MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["version"] = version
    manifest["threshold"]["value"] *= threshold_factor
    path.write_text(json.dumps(manifest), encoding="utf-8")
    detector = Detector(bundles.load(target))
    golden = detector.bundle.golden
    scores = detector.score(golden.windows(detector.profile), detector.bundle.fleet).score
    told = golden.model_copy(update={"scores": scores.tolist()})
    (target / bundles.GOLDEN).write_text(told.model_dump_json() + "\n", encoding="utf-8")
    manifest["sha256"][bundles.GOLDEN] = bundles.sha256(target / bundles.GOLDEN)
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return target
