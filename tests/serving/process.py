"""`python -m serving` as a process of its own."""

from __future__ import annotations

import asyncio
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
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

ROOT = Path(__file__).parents[2]


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "serving", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Started:
    """A running service."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def peak_mb(self) -> float:
        """The most memory that it ever had, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

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
    process = start("--models", models_dir, **{port_variable: str(port)}, **environment)
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


@dataclass(frozen=True)
class Answer:
    """What a request was answered, and after how many seconds."""

    status: int
    headers: dict[str, str]
    text: bytes
    seconds: float

    def json(self) -> Any:
        return orjson.loads(self.text)


async def load(url: str, path: str, content: bytes, *, connections: int, seconds: float) -> list[Answer]:
    """What so many clients, each with a connection of its own, are answered, one request after the other."""
    address = urlsplit(url)
    head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(content)}\r\n\r\n"
    request = head.encode() + content
    found: list[Answer] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while not found or time.monotonic() < end:
            begin = time.monotonic()
            writer.write(request)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if line)}
            text = await reader.readexactly(int(headers["content-length"]))
            found.append(Answer(int(lines[0].split()[1]), headers, text, time.monotonic() - begin))
        writer.close()

    end = time.monotonic() + seconds
    await asyncio.gather(*(client() for _ in range(connections)))
    return found
