"""The function under functions-framework and the API under uvicorn, each as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], T], timeout_s: float = 30.0) -> T:
    """The first true value of `what`."""
    give_up = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < give_up, f"waited {timeout_s} s in vain"
        time.sleep(0.05)
    return found


class Process:
    """A server on `port`, in a process group of its own; its output is kept."""

    def __init__(self, command: list[str], log: Path, port: int, environ: Mapping[str, str], cwd: Path = ROOT) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        self._output = log.open("ab")
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **environ},
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it logged as JSON."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def wait_ready(self, path: str = "/") -> None:
        def answers() -> bool:
            assert self.process.poll() is None, self.output
            try:
                return httpx.get(self.url + path).is_success
            except httpx.TransportError:
                return False

        wait_for(answers, 60)

    def terminate(self) -> int:
        """SIGTERM, as Cloud Run sends it; gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """SIGKILL to all of it at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._output.close()


def start_function(
    folder: Path, environ: Mapping[str, str], *, port: int = 0, source: Path = ROOT / "functions" / "main.py"
) -> Process:
    """functions-framework with the function; the log is `folder`/function.log."""
    port = port or free_port()
    script = Path(sys.executable).with_name("functions-framework")
    command = [str(script), "--source", str(source), "--target", "handle", "--signature-type", "http"]
    # a port of its own, on this machine only
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # from another folder than the repository's: only the source's path says where the packages are
    return Process(command, folder / "function.log", port, {"THREADS": "8", **environ}, cwd=folder)


def start_api(folder: Path, models: Path) -> Process:
    """The API with the bundles in `models`; ready when this returns."""
    port = free_port()
    command = [sys.executable, "-m", "serving", "--models", str(models), "--port", str(port)]
    process = Process(command, folder / "api.log", port, {})
    process.wait_ready("/health/ready")
    return process
