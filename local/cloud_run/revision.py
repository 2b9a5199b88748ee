"""A revision: an API process, and the client that the front forwards requests to it with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.cloud_run.registry import Registry
from local.errors import StackError
from local.process import Process
from local.stack import HOST, free_port

START_TIMEOUT_S = 30.0
REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "host", "content-length"}


@dataclass(frozen=True)
class Forwarded:
    """What the process answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class RevisionProcess:
    """One instance of a revision; `proto` is the revision as the API tells of it."""

    def __init__(self, proto: Any, logs: Path) -> None:
        self.proto = proto
        self._log = logs / f"{proto.name.rpartition('/')[2]}.log"
        self._process: Process | None = None
        self._client: httpx.AsyncClient | None = None

    async def start(self, registry: Registry) -> None:
        """Starts the process and waits until its startup probe succeeds.

        Raises:
            StackError: it does not; the text has the end of its log.
        """
        image, port = registry.pull(self.proto.containers[0].image), free_port()
        url = f"http://{HOST}:{port}"
        self._process = Process(
            str(self.proto.name).rpartition("/")[2],
            image.command,
            cwd=REPOSITORY_ROOT,
            log=self._log,
            environment={"HOST": HOST, "PORT": str(port), "MODELS_DIR": str(image.models)},
        )
        await asyncio.to_thread(self._process.wait_ready, f"{url}/health/ready", START_TIMEOUT_S)
        self._client = httpx.AsyncClient(base_url=url, timeout=30.0)

    async def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Forwarded:
        """Passes a request on; 503 where nothing answers, as Cloud Run says it."""
        kept = {k: v for k, v in headers.items() if k.lower() not in _HOP}
        try:
            if self._client is None:
                raise StackError("the revision did not start")
            response = await self._client.request(method, path, headers=kept, content=body)
        except (httpx.HTTPError, StackError) as e:
            return Forwarded(503, {"content-type": "text/plain"}, str(e).encode())
        # the body is decoded, so its encoding is told no more
        told = {k: v for k, v in response.headers.items() if k not in _HOP | {"content-encoding"}}
        return Forwarded(response.status_code, told, response.content)

    async def stop(self) -> None:
        """Ends it."""
        if self._client is not None:
            await self._client.aclose()
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)
