"""The whole system on this machine: Pub/Sub, the API with the committed bundles, and the function."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiot_anomaly import paths
from local import environment, scheduler
from local.errors import StackError
from local.process import Process
from local.pubsub import emulator, resources

PROJECT = "aiot-local"
HOST = "127.0.0.1"
#: where `make up` listens, unless something else does
USUAL_PORTS = {"pubsub": 8085, "api": 8080, "function": 8081}


@dataclass(frozen=True)
class Stack:
    """A running stack.

    Attributes:
        project: id that the topics are under.
        pubsub: host:port of Pub/Sub, what PUBSUB_EMULATOR_HOST takes.
        pubsub_kind: "official" or "embedded".
        api: URL of the inference API.
        function: URL that Pub/Sub pushes to.
        store: path of the function's SQLite database.
        logs: folder of the parts' logs.
        processes: the parts, in order of their start.
    """

    project: str
    pubsub: str
    pubsub_kind: str
    api: str
    function: str
    store: Path
    logs: Path
    processes: tuple[Process, ...]

    def check(self) -> None:
        """Raises StackError when a part has died."""
        for process in self.processes:
            process.check()


def free_port(wanted: int = 0) -> int:
    """`wanted` where it is free, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise StackError("no free port on this machine")


def api_command(port: int, models: Path) -> list[str]:
    """Starts the API with these bundles."""
    return [sys.executable, "-m", "serving", "--host", HOST, "--port", str(port), "--models", str(models)]


def function_command(port: int, source: str = "functions/main.py") -> list[str]:
    """Starts the function, or another one with the same signature, as it runs in the cloud."""
    framework = [sys.executable, "-m", "functions_framework", "--source", source, "--target", "handle"]
    return [*framework, "--signature-type", "http", "--host", HOST, "--port", str(port)]


@contextmanager
def running(
    folder: Path,
    *,
    kind: emulator.Kind = "auto",
    models: Path | None = None,
    usual_ports: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Stack]:
    """Starts the stack, and stops all of it at the end, whatever happens.

    Sets PUBSUB_EMULATOR_HOST for this process as long as it runs, so that the ordinary client finds it.

    Args:
        folder: for logs and the function's store; emptied first.
        kind: which Pub/Sub: the official emulator where it is installed, or the embedded one.
        models: the folder of bundles, `serving/models` if not given.
        usual_ports: listen where people expect it, if those ports are free.
        say: told what happens.

    Raises:
        StackError: a part did not start, and the text has the end of its log; or a stack runs in this folder.
    """
    with alone(folder):
        yield from _run(folder, kind, models, usual_ports, say)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the folder in the block; the lock goes with the process, however that ends.

    Raises:
        StackError: another process holds it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(f"another stack is running in {folder}: stop it first (Ctrl-C where it runs)") from None
        yield


def _run(
    folder: Path, kind: emulator.Kind, models: Path | None, usual_ports: bool, say: Callable[[str], None]
) -> Iterator[Stack]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ports = {name: free_port(port if usual_ports else 0) for name, port in USUAL_PORTS.items()}
    store, bundles = folder / "windows.db", models or paths.models()
    found, command = emulator.command(kind, HOST, ports["pubsub"])
    address, api, function = (
        f"{HOST}:{ports['pubsub']}",
        f"http://{HOST}:{ports['api']}",
        f"http://{HOST}:{ports['function']}",
    )
    with ExitStack() as stopping:

        def start(name: str, arguments: list[str], told: dict[str, str] | None = None) -> Process:
            say(f"starting {name}")
            process = Process(name, arguments, cwd=paths.root(), log=folder / f"{name}.log", environment=told)
            stopping.callback(process.stop)
            return process

        pubsub = start("pubsub", command)
        served = start("api", api_command(ports["api"], bundles))
        pushed = start(
            "function",
            function_command(ports["function"]),
            {"API_URL": api, "PROJECT": PROJECT, "STORE": str(store), "PUBSUB_EMULATOR_HOST": address},
        )
        served.wait_ready(f"{api}/health/ready")
        pushed.wait_ready(function)
        try:
            emulator.wait_ready(HOST, ports["pubsub"])
        except Exception as e:
            raise StackError(f"pubsub did not answer: {e}\n{pubsub.tail()}") from e
        with environment.variable("PUBSUB_EMULATOR_HOST", address):
            try:
                resources.create(PROJECT, function)
                stopping.enter_context(scheduler.sweeping(function))
                yield Stack(PROJECT, address, found, api, function, store, folder, (pubsub, served, pushed))
            finally:
                say("stopping the stack")
