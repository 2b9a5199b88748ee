"""One part of the stack: a server in a process group of its own, with a log file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from local.errors import StackError

LOG_TAIL_LINES = 15


class Process:
    """A running server.

    Attributes:
        name: as people call it.
        log: where its output goes.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, cwd: Path, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            # a group of its own: Ctrl-C reaches the stack alone, which then stops its parts in order
            self._process = subprocess.Popen(  # noqa: S603 - the commands are the stack's own
                command,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Also the id of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs still."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raises StackError when it has died."""
        if not self.alive:
            raise StackError(f"{self.name} ended with status {self._process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([*lines[-LOG_TAIL_LINES:], f"(whole log: {self.log})"])

    def wait_ready(self, url: str, timeout_s: float = 60.0) -> None:
        """Waits until a GET of `url` is answered with success.

        Raises:
            StackError: it died, or did not answer in time.
        """
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            self.check()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url, timeout=2.0).is_success:
                    return
            time.sleep(0.05)
        raise StackError(f"{self.name} did not answer at {url} within {timeout_s:.0f} s:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL to it and all that it started, with no time to finish anything."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ends it and all that it started: SIGTERM, and SIGKILL after `timeout_s`."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        # children that outlived their parent, or a parent that did not listen
        self.kill()
