"""Counts what a function has done, so that the same is counted of each; a GET gives the figures."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.stream.contenders.clock import Clock

if TYPE_CHECKING:
    from flask import Request

Handle = Callable[["Request"], tuple[str, int]]
#: the step that holds all others
TOTAL = "total"


def counted(handle: Handle, clock: Clock | None = None) -> Handle:
    """The function, which answers a GET with what it has done since the last one.

    Args:
        handle: the function.
        clock: that its steps are timed with.
    """
    counting = _Counting(handle, clock or Clock())

    # the framework takes nothing but a plain function
    def handle_and_count(request: Request) -> tuple[str, int]:
        return counting.answer(request)

    return handle_and_count


class _Counting:
    def __init__(self, handle: Handle, clock: Clock) -> None:
        self._clock = clock
        self._handle = clock.around(TOTAL, handle)
        self._lock = threading.Lock()
        self._statuses: Counter[int] = Counter()
        self._first = self._last = 0.0
        self._cpu = 0.0

    def answer(self, request: Request) -> tuple[str, int]:
        if request.method == "GET":
            return json.dumps(self._taken()), 200
        begin, status = time.monotonic(), 500
        try:
            answer: tuple[str, int] = self._handle(request)
            status = answer[1]
        finally:
            now = time.monotonic()
            with self._lock:
                self._first = min(self._first, begin) if self._statuses else begin
                self._last = now
                self._statuses[status] += 1
        return answer

    def _taken(self) -> dict[str, object]:
        # CLOCK_MONOTONIC is the same for all processes of a machine
        cpu = time.process_time()
        with self._lock:
            taken = {"statuses": self._statuses, "first": self._first, "last": self._last, "cpu_s": cpu - self._cpu}
            self._statuses, self._cpu = Counter(), cpu
        return {**taken, "steps": self._clock.take()}
