"""The function and the API of one run, which can be killed, and are started again when they have died."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiot_anomaly import paths
from local.errors import StackError
from local.process import Process
from local.stack import HOST, api_command, function_command

#: below the ports that systems give to outgoing connections: while a part is dead, nobody else may get its port
_PORTS = range(20_000, 30_000)
#: short, so that an outage of a second or two is one; the defaults would sit it out
_IMPATIENT = {"STORE_TIMEOUT_S": "0.5", "API_TIMEOUT_S": "2", "API_DEADLINE_S": "3"}


class Part:
    """A server that is started again and again, on the same port."""

    def __init__(
        self, name: str, command: list[str], *, ready: str, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.lives = 0
        self._command = command
        self._ready = ready
        self._folder = folder
        self._environment = environment
        self._process: Process | None = None

    @property
    def log(self) -> Path:
        """Of this life."""
        return self._folder / f"{self.name}-{self.lives:02}.log"

    def start(self) -> None:
        """Starts it."""
        self.lives += 1
        self._process = Process(self.name, self._command, cwd=paths.root(), log=self.log, environment=self._environment)

    def wait_ready(self) -> None:
        """Waits until it answers.

        Raises:
            StackError: it died, or did not answer in time.
        """
        assert self._process is not None
        self._process.wait_ready(self._ready)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()

    def revive(self) -> None:
        """Starts it again where it has ended by itself, as Cloud Run does: one without its store does not start."""
        if self._process is not None and not self._process.alive:
            self.start()

    def stop(self) -> None:
        """Ends it in order."""
        if self._process is not None:
            self._process.stop()


@dataclass(frozen=True)
class Parts:
    """Both parts of one run."""

    function: Part
    api: Part

    def revive(self) -> None:
        """Starts again what has ended by itself."""
        self.function.revive()
        self.api.revive()


@contextlib.contextmanager
def running(folder: Path, models: Path, environment: Mapping[str, str], ports: tuple[int, int]) -> Iterator[Parts]:
    """Runs API and function until the end of the block.

    Args:
        folder: for their logs.
        models: the API's bundles.
        environment: of the function: its project, store and Pub/Sub.
        ports: of the function and of the API.
    """
    to_function, to_api = (f"http://{HOST}:{port}" for port in ports)
    api = Part("api", api_command(ports[1], models), ready=f"{to_api}/health/ready", folder=folder)
    function = Part(
        "function",
        function_command(ports[0]),
        ready=to_function,
        folder=folder,
        environment={**_IMPATIENT, "API_URL": to_api, **environment},
    )
    try:
        for part in (api, function):
            part.start()
        for part in (api, function):
            part.wait_ready()
        yield Parts(function, api)
    finally:
        function.stop()
        api.stop()


def steady_ports() -> tuple[int, int]:
    """Two free ports that stay free while nobody listens there."""
    found: list[int] = []
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            found.append(port)
        if len(found) == 2:
            return found[0], found[1]
    raise StackError(f"no two free ports from {_PORTS.start} to {_PORTS.stop - 1} on this machine")
