"""Finds and starts the official Firestore emulator, where it is installed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from local import cloud_sdk
from local.errors import StackError
from local.process import Process
from local.stack import HOST, free_port

_SCRIPT = "platform/cloud-firestore-emulator/cloud_firestore_emulator"


def find() -> Path | None:
    """The emulator's start script, or None where it or `java` is not installed."""
    if not shutil.which("java"):
        return None
    return next((script for root in cloud_sdk.roots() if (script := root / _SCRIPT).is_file()), None)


@contextlib.contextmanager
def running(log: Path, *, port: int = 0, timeout_s: float = 60.0) -> Iterator[str]:
    """Runs the emulator until the end of the block; gives what FIRESTORE_EMULATOR_HOST takes, `host:port`.

    See `started`.
    """
    with started(log, port=port, timeout_s=timeout_s) as (address, _):
        yield address


@contextlib.contextmanager
def started(log: Path, *, port: int = 0, timeout_s: float = 60.0) -> Iterator[tuple[str, Process]]:
    """Runs the emulator until the end of the block; gives its address and its process.

    Args:
        log: the file for its output.
        port: to listen on; 0 takes any free one.
        timeout_s: that it may take to answer.

    Raises:
        StackError: it is not installed, died, or did not answer in time.
    """
    script = find()
    if script is None:
        raise StackError(
            f"the official Firestore emulator is not installed: no java on PATH, or no {_SCRIPT} under "
            f"{', '.join(map(str, cloud_sdk.roots()))}. Install it (`gcloud components install "
            "cloud-firestore-emulator`, or the package google-cloud-cli-firestore-emulator, and a Java runtime)"
        )
    port = port or free_port()
    # the script starts java as its child: `Process` ends both
    command = [str(script), "start", f"--host={HOST}", f"--port={port}"]
    emulator = Process("the Firestore emulator", command, cwd=log.parent, log=log)
    try:
        emulator.wait_ready(f"http://{HOST}:{port}", timeout_s)
        yield f"{HOST}:{port}", emulator
    finally:
        emulator.stop()
