"""A promoted bundle to be served with other settings of the stream than its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from aiot_anomaly import bundle as bundles
from aiot_anomaly import paths
from aiot_anomaly.bundle import Bundle


def models(folder: Path, profile: str, **stream: int) -> Bundle:
    """Writes the bundle into `folder`, a folder of bundles that the API takes, and gives it.

    Args:
        folder: that is made.
        profile: whose bundle.
        stream: settings of the profile's section `stream`.

    Raises:
        BundleError: it is not whole.
    """
    own = folder / profile
    shutil.copytree(paths.models() / profile, own)
    manifest = own / bundles.MANIFEST
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["profile"]["stream"] |= stream
    manifest.write_text(json.dumps(document), encoding="utf-8")
    return bundles.load(own)
