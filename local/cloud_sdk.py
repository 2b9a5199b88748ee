"""Where the Cloud SDK lies on this machine: its emulators are part of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# where its packages and its installer put it
_USUAL_ROOTS = (
    "~/google-cloud-sdk",
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "/opt/homebrew/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
)


def roots() -> list[Path]:
    """Where the Cloud SDK may be: $CLOUDSDK_ROOT_DIR, that of the `gcloud` on PATH, then the usual places."""
    found: list[Path] = []
    if given := os.environ.get("CLOUDSDK_ROOT_DIR"):
        found.append(Path(given))
    if gcloud := shutil.which("gcloud"):
        found.append(Path(gcloud).resolve().parents[1])  # <root>/bin/gcloud
    return [*found, *(Path(root).expanduser() for root in _USUAL_ROOTS)]
