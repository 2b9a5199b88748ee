"""Bundles with a fault, for the tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiot_anomaly.bundle import MANIFEST


def rewrite(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Changes a JSON document of the bundle and brings the manifest's checksum up to date."""
    document = json.loads((folder / name).read_text())
    change(document)
    (folder / name).write_text(json.dumps(document))
    if name != MANIFEST:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        rewrite(folder, MANIFEST, lambda m: m["sha256"].update({name: digest}))
