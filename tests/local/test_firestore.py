"""The official Firestore emulator: found, started, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from local import cloud_sdk, firestore
from local.errors import StackError

SCRIPT = "platform/cloud-firestore-emulator/cloud_firestore_emulator"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH and a Cloud SDK in none of the usual places."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CLOUDSDK_ROOT_DIR", raising=False)
    monkeypatch.setattr(cloud_sdk, "_USUAL_ROOTS", ())
    return tmp_path


def make_program(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)
    return path


def test_it_is_found_in_the_sdk_that_the_environment_names(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = make_program(machine / "sdk" / SCRIPT)
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", str(machine / "sdk"))
    assert firestore.find() is None, "without java it cannot run"
    make_program(machine / "bin/java")
    assert firestore.find() == script


def test_it_is_found_beside_the_gcloud_on_path(machine: Path) -> None:
    make_program(machine / "bin/java")
    make_program(machine / "sdk/bin/gcloud")
    (machine / "bin/gcloud").symlink_to(machine / "sdk/bin/gcloud")
    assert firestore.find() is None
    script = make_program(machine / "sdk" / SCRIPT)
    assert firestore.find() == script


def test_where_it_is_missing_the_error_says_how_to_install_it(machine: Path) -> None:
    with (
        pytest.raises(StackError, match="gcloud components install cloud-firestore-emulator"),
        firestore.running(machine / "log"),
    ):
        pass


def test_one_that_ends_at_once_is_reported_with_its_log(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_program(machine / "bin/java")
    make_program(machine / "sdk" / SCRIPT, "echo no room; exit 3")
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", str(machine / "sdk"))
    with pytest.raises(StackError, match=r"(?s)status 3.*no room"), firestore.running(machine / "log"):
        pass


def test_it_answers_while_the_block_runs_and_leaves_no_process_behind(tmp_path: Path) -> None:
    if firestore.find() is None:
        assert os.environ.get("AIOT_REQUIRE_EMULATOR") != "1", "the official Firestore emulator must be here"
        pytest.skip("the official Firestore emulator is not installed")
    with firestore.running(tmp_path / "emulator.log") as address:
        assert httpx.get(f"http://{address}").text.strip() == "Ok"
        port = address.rpartition(":")[2]
    processes = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert f"--port={port}" not in processes
