"""Has the function look after silent devices at regular times, as Cloud Scheduler does in the cloud."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

#: seconds from one sweep to the next
EVERY_S = 30.0


@contextmanager
def sweeping(function: str, every_s: float = EVERY_S) -> Iterator[None]:
    """Sweeps until the end of the block; one that fails is made up for by the next.

    Args:
        function: its URL.
        every_s: seconds from one sweep to the next.
    """
    over = threading.Event()

    def run() -> None:
        with httpx.Client(base_url=function, timeout=60.0) as client:
            while not over.wait(every_s):
                with contextlib.suppress(httpx.TransportError):
                    client.post("/sweep")

    thread = threading.Thread(target=run, name="scheduler", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5.0)
