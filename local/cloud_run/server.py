"""The stand-in as one process: the Admin API and the metrics over gRPC, the services over HTTP.

The official clients work against it where CLOUD_RUN_EMULATOR_HOST names it to `delivery`. What a roll-out does not need
answers UNIMPLEMENTED. Credentials are neither checked nor sent.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import uvicorn
from starlette.applications import Starlette

from local.cloud_run.admin import Admin
from local.cloud_run.front import Front
from local.cloud_run.registry import Registry
from local.cloud_run.request_counts import RequestCounts
from local.process import Process
from local.stack import HOST, free_port

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class CloudRunServer:
    """A running stand-in.

    Attributes:
        endpoint: host:port of the APIs.
        url: of the front.
        registry: where images are pushed to.
    """

    endpoint: str
    url: str
    registry: Registry


def serve(folder: Path, port: int, http_port: int, *, sample_s: float, delay_s: float) -> None:
    """Runs the stand-in until SIGTERM or Ctrl-C.

    Args:
        folder: of the images and the logs.
        port: of the APIs.
        http_port: of the services.
        sample_s: how long one sample of the request counts is.
        delay_s: how much later it can be read.
    """
    counts = RequestCounts(sample_s, delay_s)
    admin = Admin(f"http://{HOST}:{http_port}", Registry(folder / "images"), folder / "logs")

    @contextlib.asynccontextmanager
    async def apis(_app: Starlette) -> AsyncIterator[None]:
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((*admin.rpc_services(), counts.service()))
        server.add_insecure_port(f"{HOST}:{port}")
        await server.start()
        try:
            yield
        finally:
            await server.stop(grace=0.2)
            await admin.stop()

    uvicorn.run(Front(admin, counts).app(apis), host=HOST, port=http_port, loop="asyncio", log_level="warning")


@contextlib.contextmanager
def running(folder: Path, *, sample_s: float = 60.0, delay_s: float = 120.0) -> Iterator[CloudRunServer]:
    """Runs the stand-in in a process of its own, ended at exit with all of its revisions.

    Args:
        folder: for images and logs.
        sample_s: how long one sample of the request counts is.
        delay_s: how much later it can be read.

    Raises:
        StackError: it did not start.
    """
    port, http_port = free_port(), free_port()
    arguments = ["serve", "--folder", str(folder), "--port", str(port), "--http-port", str(http_port)]
    arguments += ["--sample", str(sample_s), "--delay", str(delay_s)]
    command = [sys.executable, "-m", "local.cloud_run", *arguments]
    process = Process("cloud-run", command, cwd=REPOSITORY_ROOT, log=folder / "logs" / "cloud-run.log")
    try:
        process.wait_ready(f"http://{HOST}:{http_port}/")
        yield CloudRunServer(f"{HOST}:{port}", f"http://{HOST}:{http_port}", Registry(folder / "images"))
    finally:
        # it stops its revisions first
        process.stop(timeout_s=20.0)
