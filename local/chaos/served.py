"""The model that both runs are served with: a promoted bundle whose profile waits for late readings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from aiot_anomaly import bundle as bundles
from aiot_anomaly import paths
from aiot_anomaly.bundle import Bundle

#: the bundle of this profile: a reading a second, a decision a reading
PROFILE = "skab"
#: it allows none, as its recordings come in order; what is to be shown here is that waiting survives a crash
LATENESS_S = 40
#: so short that devices get a calibration of their own on the way
LEARNING_S = 100


def models(folder: Path) -> Bundle:
    """Writes the bundle into `folder`, a folder of bundles that the API takes, and gives it.

    Raises:
        BundleError: it is not whole.
    """
    own = folder / PROFILE
    shutil.copytree(paths.models() / PROFILE, own)
    manifest = own / bundles.MANIFEST
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["profile"]["stream"] |= {"allowed_lateness_s": LATENESS_S, "learning_s": LEARNING_S}
    manifest.write_text(json.dumps(document), encoding="utf-8")
    return bundles.load(own)
