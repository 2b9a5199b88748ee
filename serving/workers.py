"""Threads for work that takes long: at most a few at once, and no more waiting than can be done in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import numpy as np

from serving.overload import OverloadedError

P = ParamSpec("P")
R = TypeVar("R")

#: how much of what was measured before still counts after one more
_MEMORY = 0.8


class Workers:
    """Does work while the event loop goes on answering."""

    def __init__(self, threads: int, most_wait_s: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._threads = threads
        self._most_wait_s = most_wait_s
        self._at_once = 0
        #: seconds that one takes
        self._seconds = 0.0

    def wait_s(self) -> float:
        """How long work that comes now is expected to wait for a thread."""
        return max(0, self._at_once - self._threads + 1) * self._seconds / self._threads

    def admit(self, timeout_s: float) -> None:
        """Refuses work that would wait too long.

        Raises:
            OverloadedError: it would wait longer than it may, or than its time.
        """
        wait = self.wait_s()
        if wait > min(self._most_wait_s, timeout_s):
            raise OverloadedError(wait)

    async def run(self, deadline: float, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Does it, with its arguments, in a thread, where it must have begun by `deadline`, of `time.monotonic`.

        Raises:
            OverloadedError: its turn did not come in time.
        """
        loop = asyncio.get_running_loop()

        def timed() -> R:
            started = time.perf_counter()
            if time.monotonic() > deadline:
                raise OverloadedError(self.wait_s())
            # a client's calibration may overflow; what comes out is checked for it
            with np.errstate(over="ignore", invalid="ignore"):
                done = work(*args, **kwargs)
            self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * (time.perf_counter() - started)
            return done

        self._at_once += 1
        try:
            return await loop.run_in_executor(self._executor, timed)
        finally:
            self._at_once -= 1
