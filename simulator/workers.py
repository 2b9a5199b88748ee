"""Processes that share the work, and that stop in order with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from simulator.errors import SimulatorError

T = TypeVar("T")

#: a fork server listens on a socket in a folder of its own below TMPDIR; its path has 107 characters at most
_LONGEST_FOLDER = 70

#: what tells a worker, in its own process, to take on nothing more
_stops: list[Any] = []


def in_order(
    work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], *, jobs: int, ahead: int, preload: Sequence[str] = ()
) -> Generator[T, None, None]:
    """The results of `work(*task)`, in the order of the tasks, with few computed before they are asked for.

    Ctrl-C, which a terminal sends to all processes at a time, is this process's business alone: the workers give up
    what they are at, say nothing, and are gone when this iterator is closed.

    Args:
        work: a function of a module.
        tasks: its arguments, each time.
        jobs: processes; 1: this one.
        ahead: how many results may wait to be asked for.
        preload: modules that `work` needs, imported once for all processes where the system allows it.

    Raises:
        SimulatorError: a process was killed.
    """
    if jobs == 1:
        yield from (work(*task) for task in tasks)
        return
    context = _context(preload)
    stop, begun = context.Event(), context.SimpleQueue()
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(stop, begun))
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            with interrupts_held():
                waiting.append(pool.submit(_run, work, task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise SimulatorError(f"one of {jobs} processes was killed; is there memory for as many? --jobs 1") from None
    finally:
        stop.set()
        while not begun.empty():
            _interrupt(begun.get())
        pool.shutdown(cancel_futures=True)


def _context(preload: Sequence[str]) -> Any:
    # not forked from here: the caller may run threads (gRPC, TensorFlow) that do not survive it. A fork server, a
    # process without threads that has imported what is needed, spares each worker seconds
    if "forkserver" not in multiprocessing.get_all_start_methods() or len(tempfile.gettempdir()) > _LONGEST_FOLDER:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits meanwhile; a process that is started inherits that, until it is ready to look after it by itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(stop: Any, begun: Any) -> None:
    """Makes a process a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _stops.append(stop)
    begun.put(os.getpid())


def _run(work: Callable[..., T], task: tuple[Any, ...]) -> T:
    """One task, in a worker. Only meanwhile Ctrl-C has an effect; then its files are removed before it ends."""
    interrupted = False

    def interrupt(*_: Any) -> None:
        nonlocal interrupted
        # the terminal's and then the first process's: a second one would end the removal of files
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGINT, interrupt)
        if any(stop.is_set() for stop in _stops):
            raise KeyboardInterrupt
        return work(*task)
    except Exception:
        if interrupted:  # what fails while a task is torn down is no failure of the task
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt(process: int) -> None:
    try:
        os.kill(process, signal.SIGINT)
    except ProcessLookupError:
        return
