"""Long-running operations: work that goes on after the call, polled by the client."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.rpc import status_pb2

from local.cloud_run.errors import RefusalError
from local.cloud_run.rpc import service, unary


class Operations:
    """What was started and how it ended."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[Any]] = {}

    def service(self) -> Any:
        """The gRPC service."""
        return service(
            "google.longrunning.Operations",
            GetOperation=unary(self._get, operations_pb2.GetOperationRequest.FromString),
        )

    def start(self, parent: str, work: Awaitable[Any]) -> Any:
        """Starts work whose result is a message, or a RefusalError, and gives its operation."""
        name = f"{parent}/operations/{uuid.uuid4()}"

        async def run() -> Any:
            return await work

        self._running[name] = asyncio.get_running_loop().create_task(run())
        return operations_pb2.Operation(name=name)

    async def _get(self, request: Any) -> Any:
        task = self._running.get(request.name)
        if task is None:
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"no operation {request.name}")
        answer = operations_pb2.Operation(name=request.name, done=task.done())
        if not task.done():
            return answer
        failed = task.exception()
        if isinstance(failed, RefusalError):
            code = failed.status.value[0]
            answer.error.CopyFrom(status_pb2.Status(code=code, message=str(failed)))
        elif failed is not None:
            raise failed
        else:
            answer.response.Pack(task.result())
        return answer
