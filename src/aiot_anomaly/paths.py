"""Where the project's folders are, whatever the working directory."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """The repository: the folder that `AIOT_HOME` names, else this library's checkout, else the working directory."""
    named = os.environ.get("AIOT_HOME")
    if named:
        return Path(named).resolve()
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def models() -> Path:
    """The promoted bundles, one folder a profile."""
    return root() / "serving" / "models"


def mlruns() -> Path:
    """The local MLflow store."""
    return root() / "mlruns"
