"""How long each step of the function takes: a clock around what does it, set from outside."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple


class Spent(NamedTuple):
    """What a step took, of all messages together.

    Attributes:
        wall_s: seconds that passed, waiting included.
        cpu_s: seconds of its thread's CPU time.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0


class Clock:
    """Sums of what each step took. Safe for use from several threads."""

    def __init__(self) -> None:
        self._spent: defaultdict[str, Spent] = defaultdict(Spent)
        self._lock = threading.Lock()

    def around(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, timed as a part of the step."""

        @functools.wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                spent_wall, spent_cpu = time.perf_counter() - wall, time.thread_time() - cpu
                with self._lock:
                    before = self._spent[step]
                    self._spent[step] = Spent(before.wall_s + spent_wall, before.cpu_s + spent_cpu)

        return timed

    def put_around(self, step: str, owner: Any, name: str) -> None:
        """Times the function `name` of a module or class."""
        setattr(owner, name, self.around(step, getattr(owner, name)))

    def take(self) -> dict[str, Spent]:
        """The sums since the last call."""
        with self._lock:
            spent, self._spent = dict(self._spent), defaultdict(Spent)
        return spent
