"""Clones with a remote, and stand-ins for the clients of services that are not here (gcloud, gh)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def git() -> Callable[..., str]:
    def call(folder: Path, *arguments: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    return call


@pytest.fixture
def clone(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A clone of a bare `remote` beside it, with one commit on `main`."""
    git(tmp_path, "init", "--bare", "--initial-branch", "main", "remote")
    git(tmp_path, "clone", "remote", "clone")
    folder = tmp_path / "clone"
    git(folder, "switch", "--create", "main")
    (folder / "code.py").write_text("1\n", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "--message", "first")
    git(folder, "push", "origin", "main")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script in a folder; `clients` are shell scripts by the name of the command that they stand for."""

    def call(
        script: str, *arguments: str, folder: Path, clients: Mapping[str, str], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        commands = tmp_path / "bin"
        shutil.rmtree(commands, ignore_errors=True)
        commands.mkdir()
        for name, text in clients.items():
            # each call is one line of calls.txt
            (commands / name).write_text(f'#!/bin/sh\necho "$0 $*" >>{tmp_path}/calls.txt\n{text}\n', encoding="utf-8")
            (commands / name).chmod(0o755)
        path = {"PATH": f"{commands}:{os.environ['PATH']}"}
        command = [ROOT / "scripts" / script, *arguments]
        return subprocess.run(
            command, cwd=folder, env={**os.environ, **path, **environment}, capture_output=True, text=True, check=False
        )

    return call


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    def read() -> list[str]:
        path = tmp_path / "calls.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line.removeprefix(f"{tmp_path}/bin/") for line in lines]

    return read
