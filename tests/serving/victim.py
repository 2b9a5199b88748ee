"""The service as a process of its own, to be attacked."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil

from tests.support.hostile import Attack

ROOT = Path(__file__).parents[2]
PREDICT = "/v1/models/tiny:predict"


class Victim:
    """The process, and how it is asked."""

    def __init__(self, models: Path, log: Path) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "serving", "--models", str(models), "--port", str(self.port)],
                cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, log.read_text()
            try:
                if self.client.get("/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        self._at_first = self.memory_mib()
        self._open: http.client.HTTPConnection | None = None

    def memory_mib(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def forget_peak(self) -> None:
        """The largest memory counts from now on."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def grown_mib(self) -> float:
        """The largest memory that it had since then, above what it had when it was ready."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024 - self._at_first

    def attack(self, attack: Attack) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer; (0, {}, b"") where the server hung up without one."""
        if self._open is None:
            self._open = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", **attack.headers}
        body: bytes | Iterator[bytes] = attack.body
        if attack.chunks:
            body, headers["Transfer-Encoding"] = iter(_chunks(attack)), "chunked"
        try:
            self._open.request("POST", attack.path, body, headers, encode_chunked=bool(attack.chunks))
            response = self._open.getresponse()
            answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        except (OSError, http.client.HTTPException):
            self._open.close()
            self._open = None
            return 0, {}, b""
        if response.will_close:
            self._open = None
        return answer

    def answers(self, body: dict[str, Any]) -> float:
        """Asks a good question; the seconds that the answer took."""
        begin = time.monotonic()
        response = self.client.post(PREDICT, json=body)
        assert response.status_code == 200, response.text
        assert len(response.json()["predictions"]) == len(body["instances"])
        return time.monotonic() - begin

    def failures(self) -> list[str]:
        """What its log holds of errors."""
        lines = [orjson.loads(line) for line in self.log.read_bytes().splitlines()]
        return [str(line)[:2_000] for line in lines if line["severity"] in {"ERROR", "CRITICAL"}]


def _chunks(attack: Attack) -> Iterator[bytes]:
    at = 0
    for size in [*attack.chunks, len(attack.body)]:
        if attack.body[at : at + size]:
            yield attack.body[at : at + size]
        at += size
