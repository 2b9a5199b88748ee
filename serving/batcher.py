"""Micro-batches: windows of concurrent requests to one model go through the graph together.

An idle model answers at once. While a batch runs, the next one gathers; so the more requests come, the larger the
batches, and nobody waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np

from aiot_anomaly.detector import Detector
from aiot_anomaly.inference import Scores
from aiot_anomaly.windows import Windows, joined
from serving.instances import PART, Instances
from serving.metrics import Metrics
from serving.overload import Load, OverloadedError

#: a batch that takes no more of the processor runs in the event loop: to hand a window to a thread and back takes about
#: as long as to score it, so a single one would be answered half as fast
INLINE_S = 0.001
#: the same on one core, where a thread would only take turns with the event loop, milliseconds at a time
_ALONE_S = 0.01
#: a window is taken for one that takes so little even where it was measured so many times slower, on a busy machine
_BUSY = 5
_TRIES = 5
#: batches of one request after which the next one is taken to come alone, too
_QUIET = 16

#: told the scores, or why there are none; it raises nothing
Found = Callable[[Scores | Exception], None]


class _Job(NamedTuple):
    part: Instances
    windows: int
    found: Found
    deadline: float
    since: float


class Batcher:
    """The queue of one model. All of it belongs to the event loop; only the graph may run elsewhere.

    Args:
        detector: the model.
        executor: runs the batches that take long.
        metrics: told of each batch.
        load: of all models together.
        threads: that may compute at once: as many as there are cores.
    """

    def __init__(self, detector: Detector, executor: Executor, metrics: Metrics, load: Load, threads: int) -> None:
        self._detector = detector
        self._executor = executor
        self._metrics = metrics
        self._load = load
        self._name = detector.profile.name
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._running = 0
        self._called = False
        #: batches of one request since the last of more
        self._singles = 0
        #: one was answered at once in this turn of the event loop
        self._taken = False
        golden = detector.bundle.golden.windows(detector.profile)
        one, all_ = (self._seconds(golden.only(np.arange(len(golden)) < n)) for n in (1, len(golden)))
        each = (all_ - one) / max(1, len(golden) - 1)
        #: windows of the largest batch that runs in the event loop; one at least, however busy the start was
        self._most_inline = self._most_at_once = 0
        if one <= _BUSY * INLINE_S:
            self._most_at_once, alone = (
                max(1, min(PART, 1 + int((s - one) / max(each, 1e-9)))) for s in (INLINE_S, _ALONE_S)
            )
            self._most_inline = self._most_at_once if min(threads, _cores()) > 1 else alone
        load.expect(len(golden), all_)
        metrics.watch_queue(self._name, lambda: self._waiting)

    def admit(self, timeout_s: float) -> None:
        """Refuses a request that would wait too long.

        Raises:
            OverloadedError: see `Load.admit`.
        """
        try:
            self._load.admit(timeout_s)
        except OverloadedError:
            self._metrics.refused(self._name, "queue")
            raise

    async def score(self, part: Instances, deadline: float) -> Scores:
        """The scores of these windows, as `submit` tells them.

        Raises:
            OverloadedError: the deadline cannot be met.
        """
        answer: asyncio.Future[Scores] = asyncio.get_running_loop().create_future()

        def found(scores: Scores | Exception) -> None:
            if answer.done():
                return
            if isinstance(scores, Exception):
                answer.set_exception(scores)
            else:
                answer.set_result(scores)

        self.submit(part, deadline, found)
        return await answer

    def submit(self, part: Instances, deadline: float, found: Found) -> None:
        """Has windows scored, together with those of others; 1.0 is the threshold.

        Args:
            part: `PART` windows at most; one that has many sends them one part after the other, so others get in.
            deadline: of `time.monotonic`, by which an answer is worth something; an `OverloadedError` is told after it.
            found: called once: before this returns where nobody else's windows can have joined.
        """
        windows = len(part)
        self._load.begin(windows)
        if windows <= self._most_at_once and self._is_alone():
            self._taken = True
            asyncio.get_running_loop().call_soon(self._turned)
            self._metrics.batched(self._name, windows, 0.0)
            found(self._run([part]))
            self._load.end(windows)
            return
        self._jobs.append(_Job(part, windows, found, deadline, time.monotonic()))
        self._waiting += windows
        if not self._running and not self._called:
            # what else has come by now is read first, and joins
            self._called = True
            asyncio.get_running_loop().call_soon(self._start)

    def _is_alone(self) -> bool:
        """Whether who asks now does so alone, as it has been for a while; two who ask in one turn are not."""
        if self._taken:
            self._singles = 0
        return self._singles >= _QUIET and not self._running and not self._jobs

    def _turned(self) -> None:
        self._taken = False

    def _start(self) -> None:
        self._called = False
        if self._running:
            return
        batch = self._take()
        if not batch:
            return
        self._running = sum(j.windows for j in batch)
        self._singles = self._singles + 1 if len(batch) == 1 else 0
        if self._running <= self._most_inline:
            self._done(batch, self._run([job.part for job in batch]))
            return
        running = asyncio.get_running_loop().run_in_executor(self._executor, self._run, [job.part for job in batch])
        running.add_done_callback(lambda f: self._done(batch, f.result()))

    def _take(self) -> list[_Job]:
        now = time.monotonic()
        batch: list[_Job] = []
        room = PART
        while self._jobs and self._jobs[0].windows <= room:
            job = self._jobs.popleft()
            self._waiting -= job.windows
            if now > job.deadline:
                self._metrics.refused(self._name, "deadline")
                job.found(OverloadedError(now - job.since))
                self._load.end(job.windows)
                continue
            batch.append(job)
            room -= job.windows
        if batch:
            self._metrics.batched(self._name, PART - room, now - batch[0].since)
        return batch

    def _run(self, parts: Sequence[Instances]) -> Scores | Exception:
        try:
            return self._scores(parts)
        except Exception as e:  # of the runtime; each of the requests is told
            return e

    def _seconds(self, windows: Windows) -> float:
        """Of the processor, that these windows take: the same however busy the machine is."""
        used = []
        for _ in range(_TRIES):
            before = time.thread_time()
            self._detector.score(windows, self._detector.bundle.fleet)
            used.append(time.thread_time() - before)
        return min(used)

    def _scores(self, parts: Sequence[Instances]) -> Scores:
        if len(parts) == 1:
            part = parts[0]
            windows, calibrations, factors = part.windows, part.calibrations, part.factors
        else:
            windows = joined(self._detector.profile, [p.windows for p in parts])
            calibrations = [c for p in parts for c in p.calibrations]
            factors = 1.0
            if any(isinstance(p.factors, np.ndarray) for p in parts):
                factors = np.concatenate([np.broadcast_to(p.factors, len(p)) for p in parts])
        if not any(True in p.own for p in parts):
            return self._detector.score(windows, calibrations, factors)
        # a client's calibration may overflow; what comes out is checked for it
        with np.errstate(over="ignore", invalid="ignore"):
            return self._detector.score(windows, calibrations, factors)

    def _done(self, batch: Sequence[_Job], scores: Scores | Exception) -> None:
        self._running = 0
        at = 0
        for job in batch:
            end = at + job.windows
            if isinstance(scores, Exception) or len(batch) == 1:
                job.found(scores)
            else:
                job.found(Scores(*(a[at:end] for a in scores)))
            self._load.end(job.windows)
            at = end
        if self._jobs and not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._start)


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
