"""What it is measured on, and how fast the load generator itself is."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from benchmarks.serving import load
from benchmarks.serving.connection import Address, post
from benchmarks.serving.contenders import ROOT
from benchmarks.serving.cores import Cores, on
from benchmarks.serving.results import Generator
from benchmarks.serving.runs import quantile_ms
from benchmarks.serving.server import free_port

#: of a request with 60 steps of 8 sensors
_BODY_BYTES = 5_000
_RATE, _SECONDS = 1_000.0, 1.0
_LOCK = ROOT / "benchmarks" / "serving" / "peers.txt"
_VERSIONS = ("onnxruntime", "fastapi", "uvicorn", "tensorflow", "keras", "mlflow", "litserve", "bentoml")


class Description(TypedDict):
    """The fields of `Results` that describe the run."""

    measured_at: str
    commit: str
    processor: str
    versions: dict[str, str]


def description() -> Description:
    """When, of what and on what it is measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - wherever git is
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    locked = dict(re.findall(r"^([a-z-]+)==(\S+)", _LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit.stdout.strip() or "unknown",
        "processor": _processor(),
        "versions": {"Python": platform.python_version(), **{name: locked[name] for name in _VERSIONS}},
    }


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1]
    return platform.machine()


def generator(cores: Cores) -> Generator:
    """What it reaches against a server that does nothing."""
    with on(cores.generator), _null(cores.server) as address:
        requests = [post(address, "/", b" " * _BODY_BYTES)]
        load.closed(address, requests, connections=16, seconds=0.2)
        run = load.closed(address, requests, connections=16, seconds=_SECONDS)
        timed = load.constant(address, requests, rate=_RATE, seconds=_SECONDS, connections=64)
    return Generator(
        rate=run.rate, p99_ms=quantile_ms(run.latencies, 0.99), timed_p99_ms=quantile_ms(timed.latencies, 0.99)
    )


@contextmanager
def _null(core: int) -> Iterator[Address]:
    address = ("127.0.0.1", free_port())
    with on(core):
        process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-m", "benchmarks.serving.null_server", str(address[1])], cwd=ROOT
        )
    try:
        for _ in range(500):
            with suppress(OSError):
                load.closed(address, [post(address, "/", b"{}")], connections=1, seconds=0)
                break
            time.sleep(0.02)
        yield address
    finally:
        process.kill()
        process.wait()
