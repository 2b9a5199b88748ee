"""Makes a store unreachable for a while, with the means that make it so in the field."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from local.process import Process

# The locks of a database in WAL mode are bytes of its shared-memory file (SQLite, "WAL-mode File Format", 2.3.1):
# 120 writing, 121 checkpoints, 122 recovery, 123 to 127 reading. A process of its own, because a process that closes
# any descriptor of a file loses all its locks on it.
_HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "r+b") as shared_memory:
    for byte in map(int, sys.argv[2:]):
        fcntl.lockf(shared_memory, fcntl.LOCK_EX, 1, byte)
    print("held", flush=True)
    sys.stdin.read()
"""
_WRITING, _ALL = range(120, 121), range(120, 128)


@contextlib.contextmanager
def locked(database: Path, *, reads: bool) -> Iterator[None]:
    """Nobody can write to the SQLite database in the block; where `reads`, nobody can read it either.

    Who wants to write is refused after its busy timeout. Who wants to read waits, for 10 s before SQLite gives up.
    """
    held = [str(byte) for byte in (_ALL if reads else _WRITING)]
    holder = subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", _HOLD, f"{database}-shm", *held], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        yield
    finally:
        holder.kill()
        holder.communicate()


@contextlib.contextmanager
def frozen(server: Process) -> Iterator[None]:
    """The server answers nobody in the block; what was sent to it meanwhile it carries out afterwards."""
    os.killpg(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGCONT)
