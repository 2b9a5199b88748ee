"""A registry of images on disk. An image is a folder of bundles and the command that serves them.

Its digest is of its content, as a real one is: the same content pushed twice is one image.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import StackError

REPOSITORY = "local/aiot/serving"
#: the API as its Dockerfile starts it; host, port and the folder of bundles come by environment
SERVING = (sys.executable, "-m", "serving")
#: what the service is before anything was delivered, see `local.cloud_run.placeholder`
PLACEHOLDER = (sys.executable, "-m", "local.cloud_run.placeholder")
#: serves, but not for long, see `local.cloud_run.faulty`
FAULTY = (sys.executable, "-m", "local.cloud_run.faulty")
_COMMAND = "command.json"


@dataclass(frozen=True)
class Image:
    """What a revision runs: a command, and the bundles for it."""

    command: tuple[str, ...]
    models: Path


class Registry:
    """The images in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def push(self, models: Path | None, command: Sequence[str] = SERVING) -> str:
        """Stores an image and gives its name by digest.

        Args:
            models: folder of bundles to bake in; None bakes in none.
            command: that the image runs.
        """
        files = sorted(p for p in models.rglob("*") if p.is_file()) if models else []
        content = hashlib.sha256(json.dumps(list(command)).encode())
        for path in files:
            content.update(f"\0{path.relative_to(models or path)}\0".encode() + path.read_bytes())
        digest = content.hexdigest()
        folder = self._folder / digest
        if not folder.exists():
            (folder / "models").mkdir(parents=True)
            if models:
                shutil.copytree(models, folder / "models", dirs_exist_ok=True)
            # last: an image that has its command is whole
            (folder / _COMMAND).write_text(json.dumps(list(command)), encoding="utf-8")
        return f"{REPOSITORY}@sha256:{digest}"

    def pull(self, name: str) -> Image:
        """The image of this name.

        Raises:
            StackError: there is none.
        """
        repository, _, digest = name.partition("@sha256:")
        folder = self._folder / digest
        if repository != REPOSITORY or not digest.isalnum() or not (folder / _COMMAND).is_file():
            raise StackError(f"Image '{name}' not found.")
        return Image(tuple(json.loads((folder / _COMMAND).read_text(encoding="utf-8"))), folder / "models")
