"""`python -m serving` in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Started:
    """A running service."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> str:
        """Ends it as Cloud Run does, and returns what it logged."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, err
        assert err == ""
        return out


@contextmanager
def started(models_dir: Path, *, port_variable: str = "PORT", **environment: str) -> Iterator[Started]:
    """Starts the service, ready to answer, on a free port that it is told by this variable."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "serving", "--models", str(models_dir)],
        cwd=ROOT,
        env={**os.environ, port_variable: str(port), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = Started(process, port)
    deadline = time.monotonic() + 60
    try:
        while True:
            try:
                if httpx.get(f"{found.url}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield found
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
