"""Two cores: one for the load generator, one for the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.serving.errors import BenchmarkError


class Cores(NamedTuple):
    """Their numbers."""

    generator: int
    server: int


def two() -> Cores:
    """The first two that this process may use.

    Raises:
        BenchmarkError: there is only one, or this system cannot bind a process to a core.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("found a system that cannot bind a process to a core, expected Linux")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchmarkError("found one core, expected two: one for the load generator and one for the server")
    return Cores(*allowed[:2])


@contextmanager
def on(core: int) -> Iterator[None]:
    """This process, and what it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
