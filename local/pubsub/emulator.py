"""Finds and starts a Pub/Sub for this machine: the official emulator where it is installed, else the embedded one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import grpc
from google.pubsub_v1 import types

from local import cloud_sdk
from local.pubsub.errors import EmulatorMissingError, NotReadyError

Kind = Literal["auto", "official", "embedded"]
ActualKind = Literal["official", "embedded"]

REPOSITORY = Path(__file__).resolve().parents[2]
"""The working directory in which `python -m local.pubsub` finds this package."""

_JAR = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"


@dataclass(frozen=True, slots=True)
class Emulator:
    """A Pub/Sub that answers: `address` is what PUBSUB_EMULATOR_HOST takes."""

    kind: ActualKind
    host: str
    port: int
    pid: int
    log: Path

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


def find_official() -> list[str] | None:
    """The command line of the official emulator without its options, or None where it is not installed.

    The jar is $PUBSUB_EMULATOR_JAR, or lies under $CLOUDSDK_ROOT_DIR, under the Cloud SDK of the `gcloud` on PATH or
    in one of the SDK's usual places. It is run by the `java` on PATH, without `gcloud`.
    """
    java, jar = shutil.which("java"), _find_jar()
    return [java, "-jar", str(jar)] if java and jar else None


def command(kind: Kind, host: str, port: int) -> tuple[ActualKind, list[str]]:
    """The kind that `kind` means here and the command line that starts it in the directory `REPOSITORY`.

    Raises:
        EmulatorMissingError: `kind` is "official" and the official emulator is not installed.
    """
    official = None if kind == "embedded" else find_official()
    if official:
        return "official", [*official, f"--host={host}", f"--port={port}"]
    if kind == "official":
        raise EmulatorMissingError(_what_is_missing())
    return "embedded", [sys.executable, "-m", "local.pubsub", "--host", host, "--port", str(port)]


def wait_ready(host: str, port: int, timeout: float = 30.0) -> None:
    """Return as soon as a Pub/Sub answers on `host`:`port`.

    Raises:
        NotReadyError: None did within `timeout` seconds.
    """
    options = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
    with grpc.insecure_channel(f"{host}:{port}", options=options) as channel:
        list_topics = channel.unary_unary(
            "/google.pubsub.v1.Publisher/ListTopics",
            request_serializer=types.ListTopicsRequest.serialize,
            response_deserializer=types.ListTopicsResponse.deserialize,
        )
        request = types.ListTopicsRequest(project="projects/ready")
        try:
            list_topics(request, timeout=timeout, wait_for_ready=True)
        except grpc.RpcError as error:
            raise NotReadyError(
                f"no Pub/Sub answered on {host}:{port} within {timeout:g} s: {error.code().name}"
            ) from error


@contextlib.contextmanager
def running(kind: Kind = "auto", *, log: Path | None = None, timeout: float = 30.0) -> Iterator[Emulator]:
    """Run a Pub/Sub on a free port of 127.0.0.1, in a process group of its own that is ended at exit.

    Args:
        kind: "auto" takes the official emulator where it is installed.
        log: The file for the process's output; None makes one in the temporary directory.
        timeout: Seconds that it may take to answer.

    Raises:
        EmulatorMissingError: `kind` is "official" and the official emulator is not installed.
        NotReadyError: It ended, or did not answer in time; the message names the log.
    """
    host, port = "127.0.0.1", _free_port()
    actual, argv = command(kind, host, port)
    if log is None:
        handle, name = tempfile.mkstemp(prefix=f"pubsub-{actual}-", suffix=".log")
        os.close(handle)
        log = Path(name)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the command line is built above, from no outside input
            argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        try:
            wait_ready(host, port, timeout)
        except NotReadyError as error:
            raise NotReadyError(f"{error}; exit status {process.poll()}; see {log}") from error
        yield Emulator(actual, host, port, process.pid, log)
    finally:
        _end_group(process)


def _find_jar() -> Path | None:
    if given := os.environ.get("PUBSUB_EMULATOR_JAR"):
        return Path(given) if Path(given).is_file() else None
    for root in cloud_sdk.roots():
        # the newest last: versions of one SDK differ in their last digits only
        if jars := sorted(root.glob(_JAR)):
            return jars[-1]
    return None


def _what_is_missing() -> str:
    if not shutil.which("java"):
        missing = "there is no `java` on PATH"
    elif given := os.environ.get("PUBSUB_EMULATOR_JAR"):
        missing = f"PUBSUB_EMULATOR_JAR is {given}, which is no file"
    else:
        missing = f"no {_JAR} was found under {', '.join(map(str, cloud_sdk.roots()))}"
    return (
        f"the official Pub/Sub emulator is not installed: {missing}. Install it (`gcloud components install"
        " pubsub-emulator`, or the package google-cloud-cli-pubsub-emulator, and a Java runtime), set"
        " PUBSUB_EMULATOR_JAR, or ask for 'embedded'"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_group(process: subprocess.Popen[bytes], grace_s: float = 5.0) -> None:
    """End the process and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
