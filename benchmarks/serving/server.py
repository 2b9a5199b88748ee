"""A contender's processes on a core of their own."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil

from benchmarks.serving.connection import Address, Connection, post
from benchmarks.serving.contenders import ROOT, Contender
from benchmarks.serving.cores import on
from benchmarks.serving.errors import BenchmarkError
from benchmarks.serving.subjects import Subject
from local.process import Process

#: how far a score may be from the golden one (relative)
TOLERANCE = 1e-3
_START_S = 120.0
_LOOK_S = 0.005


class Server:
    """A running contender.

    Attributes:
        contender: that runs.
        address: where it listens.
        ready_s: seconds from the start of its process until it was ready.
        peak_mib: the largest memory of all its processes together that was seen (proportional set size).
    """

    def __init__(self, contender: Contender, subject: Subject, core: int, log: Path) -> None:
        self.contender = contender
        self.address: Address = ("127.0.0.1", free_port())
        self.peak_mib = 0.0
        begin = time.perf_counter()
        with on(core):
            self._process = Process(
                contender.title,
                contender.command(subject, self.address[1]),
                cwd=ROOT,
                log=log,
                environment=contender.environment(subject),
            )
        try:
            self._wait_ready(begin + _START_S)
        except BaseException:
            self.stop()
            raise
        self.ready_s = time.perf_counter() - begin

    def _wait_ready(self, give_up: float) -> None:
        while time.perf_counter() < give_up:
            self._process.check()
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(*self.address, timeout=5)
                connection.request("GET", self.contender.ready_path)
                if connection.getresponse().status == http.client.OK:
                    return
            time.sleep(_LOOK_S)
        raise BenchmarkError(f"{self.contender.title} was not ready within {_START_S:.0f} s:\n{self._process.tail()}")

    def request(self, subject: Subject, *which: int) -> bytes:
        """A whole request about these golden windows."""
        path = self.contender.path.format(model=subject.name)
        return post(self.address, path, self.contender.body(subject, which))

    def check(self, subject: Subject) -> float:
        """Asks about each golden window; returns the largest relative difference of a score.

        Raises:
            BenchmarkError: it does not answer, or other scores than the bundle's: it serves another model.
        """
        found = np.array([self._ask(subject, i) for i in range(len(subject.scores))])
        worst = float(np.max(np.abs(found - subject.scores) / np.maximum(np.abs(subject.scores), 1e-6)))
        if not worst <= TOLERANCE:
            raise BenchmarkError(
                f"{self.contender.title} answers other scores for {subject.name} than its golden ones: "
                f"off by {worst:.1e}, expected at most {TOLERANCE:g}"
            )
        return worst

    def _ask(self, subject: Subject, which: int) -> float:
        connection = Connection(self.address)
        try:
            connection.send(self.request(subject, which))
            status = None
            while status is None:
                status = connection.receive()
        finally:
            connection.close()
        if status != http.client.OK:
            text = connection.body[:300].decode(errors="replace")
            raise BenchmarkError(
                f"{self.contender.title} answers {status} to a golden window of {subject.name}: {text}\n"
                f"{self._process.tail()}"
            )
        return float(self.contender.scores(connection.body)[0])

    def look(self) -> None:
        """Measures its memory; not while it is timed, as that holds its processes up."""
        total = 0
        for process in self._tree():
            with suppress(psutil.Error):
                total += process.memory_full_info().pss
        self.peak_mib = max(self.peak_mib, total / 2**20)

    def pause(self) -> None:
        """Stops it from using its core while another is measured."""
        for process in self._tree():
            with suppress(psutil.Error):
                process.suspend()

    def resume(self) -> None:
        """Lets it go on."""
        for process in self._tree():
            with suppress(psutil.Error):
                process.resume()

    def _tree(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def stop(self) -> None:
        """Ends it with all that it started."""
        tree = self._tree()
        self.resume()
        self._process.stop()
        for process in tree:
            with suppress(psutil.Error):
                process.kill()


@contextmanager
def running(contender: Contender, subject: Subject, core: int, logs: Path) -> Iterator[Server]:
    """A contender that is ready, on this core, and stopped in the end."""
    server = Server(contender, subject, core, logs / f"{contender.name}-{subject.name}.log")
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """One that nothing listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
