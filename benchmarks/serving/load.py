"""The load generator: requests over a fixed number of connections, as fast as they are answered or at a given rate.

A loop over `select`, whose time-out is exact to some 50 µs, where an event loop's timers are to 1 ms. How much it can
send is measured against `benchmarks.serving.null_server` and told with the results.
"""

from __future__ import annotations

import gc
import select
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np

from benchmarks.serving.connection import Address, Connection
from benchmarks.serving.runs import OK, OVERLOADED, TURNED_AWAY, UNANSWERED, Run

#: how long answers are waited for after the last request; and those of a closed loop, which would be in the way of the
#: next measurement
_DRAIN_S, _DRAIN_ALL_S = 5.0, 60.0
#: how long the first answer is waited for, on a machine that has much else to do
_FIRST_S = 60.0


def closed(address: Address, requests: Sequence[bytes], *, connections: int, seconds: float, least: int = 1) -> Run:
    """Closed loop: each connection sends its next request as soon as the one before is answered.

    Args:
        address: of the server.
        requests: sent in turn.
        connections: that are open at once.
        seconds: how long.
        least: requests that are waited for, up to four times as long; for the first a minute: slow servers answer few.
    """
    with _opened(address, connections) as opened, _no_collection():
        sent_at: dict[Connection, float] = {}
        latencies: list[float] = []
        statuses: Counter[int] = Counter()
        retry_after = 0
        number = 0
        begin = time.perf_counter()
        end, give_up, never = begin + seconds, begin + 4 * seconds, begin + _FIRST_S
        for connection in opened:
            sent_at[connection] = time.perf_counter()
            connection.send(requests[number % len(requests)])
            number += 1
        now = begin
        while now < end or (len(latencies) < least and now < give_up) or (not statuses and now < never):
            ready, _, _ = select.select(opened, (), (), 0.1)
            for connection in ready:
                status = connection.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                if status == OK:
                    latencies.append(now - sent_at[connection])
                statuses[status] += 1
                retry_after += status == OVERLOADED and connection.retry_after
                sent_at[connection] = now
                connection.send(requests[number % len(requests)])
                number += 1
            now = time.perf_counter()
        taken = now - begin
        _drain(opened)
    return Run(taken, np.array(latencies), statuses, np.empty(0), retry_after)


def constant(
    address: Address,
    requests: Sequence[bytes],
    *,
    rate: float,
    seconds: float,
    connections: int,
    warm_up_s: float = 0.0,
    patient: bool = True,
) -> Run:
    """Open loop: requests at a constant rate, whatever becomes of those before.

    Latency counts from the moment at which a request was due: one that has to wait for a connection, because a slow
    answer holds each, is slow itself (no coordinated omission).

    Args:
        address: of the server.
        requests: sent in turn.
        rate: requests a second.
        seconds: how long.
        connections: that are open at most.
        warm_up_s: requests of so long before are sent, too, and not counted: a server takes a while to accept so many
            connections at once, which is no part of its latency under load.
        patient: a request that is due while each connection is taken waits for one; else it is turned away, as a
            balancer does that bounds what it hands to a server.
    """
    skipped = round(rate * warm_up_s)
    total = skipped + max(1, round(rate * seconds))
    with _opened(address, connections) as opened, _no_collection():
        idle = deque(opened)
        waiting: deque[int] = deque()
        under_way: dict[Connection, int] = {}
        latencies = np.full(total, np.nan)
        delays: list[float] = []
        statuses: Counter[int] = Counter()
        retry_after = 0
        number = 0
        begin = time.perf_counter() + 0.01
        give_up = begin + warm_up_s + seconds + _DRAIN_S
        now = begin
        while (number < total or waiting or under_way) and now < give_up:
            now = time.perf_counter()
            while number < total and begin + number / rate <= now:
                if idle:
                    if number >= skipped:
                        delays.append(now - begin - number / rate)
                    _send(requests, number, idle, under_way)
                elif patient:
                    waiting.append(number)
                elif number >= skipped:
                    statuses[TURNED_AWAY] += 1
                number += 1
            due = begin + number / rate if number < total else give_up
            ready, _, _ = select.select(list(under_way), (), (), max(0.0, due - time.perf_counter()))
            for connection in ready:
                status = connection.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                which = under_way.pop(connection)
                if which >= skipped:
                    if status == OK:
                        latencies[which] = now - begin - which / rate
                    statuses[status] += 1
                    retry_after += status == OVERLOADED and connection.retry_after
                idle.append(connection)
                if waiting:
                    _send(requests, waiting.popleft(), idle, under_way)
        unanswered = total - skipped - sum(statuses.values())
    if unanswered:
        statuses[UNANSWERED] = unanswered
    return Run(seconds, latencies[~np.isnan(latencies)], statuses, np.array(delays), retry_after)


def _send(requests: Sequence[bytes], which: int, idle: deque[Connection], under_way: dict[Connection, int]) -> None:
    connection = idle.popleft()
    under_way[connection] = which
    connection.send(requests[which % len(requests)])


def _drain(opened: Sequence[Connection]) -> None:
    """Waits for what is still under way, so that the next measurement finds an idle server."""
    pending, give_up = set(opened), time.perf_counter() + _DRAIN_ALL_S
    while pending and time.perf_counter() < give_up:
        ready, _, _ = select.select(list(pending), (), (), 0.1)
        pending -= {c for c in ready if c.receive() is not None}


@contextmanager
def _opened(address: Address, connections: int) -> Iterator[list[Connection]]:
    opened: list[Connection] = []
    try:
        for _ in range(connections):
            opened.append(Connection(address))
        yield opened
    finally:
        for connection in opened:
            with suppress(OSError):
                connection.close()


@contextmanager
def _no_collection() -> Iterator[None]:
    """No pauses of the generator's own."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
