"""The load generator, against servers whose behaviour is known."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from benchmarks.serving import load
from benchmarks.serving.connection import Address, Connection, post
from benchmarks.serving.runs import LOST, OK, OVERLOADED, TURNED_AWAY, UNANSWERED, quantile_ms

ANSWERS = {
    "ok": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "busy": b"HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "nothing": b"",
}


class Known(asyncio.Protocol):
    """Answers the request whose body names an answer; `wait` seconds later, and one after the other, if it says so."""

    def __init__(self, stall: tuple[int, float]) -> None:
        self.stall = stall
        self.served = [0]

    def __call__(self) -> asyncio.Protocol:
        outer = self

        class One(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def data_received(self, data: bytes) -> None:
                name = data.rpartition(b"\r\n\r\n")[2].decode()
                if name == "hang up":
                    self.transport.close()
                    return
                outer.served[0] += 1
                if outer.served[0] == outer.stall[0]:
                    # the whole server stands still
                    threading.Event().wait(outer.stall[1])
                self.transport.write(ANSWERS[name])

        return One()


@contextmanager
def server(stall_at: int = 0, stall_s: float = 0.0) -> Iterator[Address]:
    loop = asyncio.new_event_loop()
    made = loop.run_until_complete(loop.create_server(Known((stall_at, stall_s)), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield made.sockets[0].getsockname()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        # what was accepted meanwhile comes to its end
        loop.run_until_complete(asyncio.sleep(0.01))
        made.close()
        loop.close()


def requests(address: Address, *names: str) -> list[bytes]:
    return [post(address, "/", name.encode()) for name in names]


def test_a_closed_loop_counts_what_is_answered() -> None:
    with server() as address:
        run = load.closed(address, requests(address, "ok", "chunked", "busy"), connections=4, seconds=0.3)
    assert set(run.statuses) == {OK, OVERLOADED}
    assert len(run.latencies) == run.statuses[OK]
    assert run.rate == pytest.approx(run.statuses[OK] / run.seconds)
    assert run.retry_after == run.statuses[OVERLOADED]
    assert run.statuses[OK] == pytest.approx(2 * run.statuses[OVERLOADED], rel=0.2, abs=8)
    assert (run.latencies > 0).all()


def test_a_closed_loop_goes_on_where_the_server_closes_or_hangs_up() -> None:
    with server() as address:
        run = load.closed(address, requests(address, "close", "hang up", "ok"), connections=2, seconds=0.3)
    assert run.statuses[OK] > 0
    assert run.failed == {LOST: run.statuses[LOST]}
    assert run.statuses[LOST] > 0


def test_a_slow_server_is_waited_for() -> None:
    with server(stall_at=1, stall_s=0.3) as address:
        run = load.closed(address, requests(address, "ok"), connections=1, seconds=0.1, least=1)
    assert len(run.latencies) >= 1
    assert run.seconds >= 0.3


def test_a_constant_rate_is_kept() -> None:
    with server() as address:
        run = load.constant(address, requests(address, "ok"), rate=200, seconds=0.5, connections=20)
    assert run.statuses == {OK: 100}
    assert run.rate == pytest.approx(200)
    # of those that found a connection free: on a busy machine some have to wait for one
    assert 50 < len(run.delays) <= 100


def test_a_pause_counts_for_every_request_that_was_due_in_it() -> None:
    """Coordinated omission: a closed loop sees one slow request, but whoever comes at a constant rate waits."""
    pause_s = 0.5
    with server(stall_at=20, stall_s=pause_s) as address:
        run = load.constant(address, requests(address, "ok"), rate=100, seconds=1.0, connections=1)
    assert run.statuses == {OK: 100}
    waited = np.sort(run.latencies)[::-1][: int(100 * pause_s)]
    # the first waits for the whole pause, the last for next to nothing: half of it on average
    assert waited[0] >= pause_s
    assert waited.mean() == pytest.approx(pause_s / 2, rel=0.5)
    assert quantile_ms(run.latencies, 0.9) > 300


def test_what_is_sent_to_warm_up_is_answered_and_not_counted() -> None:
    """A pause in it slows nobody who is counted, unless he was due before it was over."""
    with server(stall_at=1, stall_s=0.3) as address:
        asked = requests(address, "ok")
        run = load.constant(address, asked, rate=100, seconds=0.5, connections=20, warm_up_s=0.8)
        cold = load.constant(address, asked, rate=100, seconds=0.5, connections=20)
    assert run.statuses == cold.statuses == {OK: 50}
    assert run.rate == pytest.approx(100)
    assert len(run.delays) <= 50
    assert run.latencies.max() < 0.2


def test_who_is_not_patient_turns_away_what_finds_no_connection() -> None:
    with server(stall_at=1, stall_s=0.4) as address:
        run = load.constant(address, requests(address, "ok"), rate=100, seconds=0.5, connections=2, patient=False)
    assert sum(run.statuses.values()) == 50
    assert run.statuses[TURNED_AWAY] >= 30
    assert run.failed == {}
    assert run.latencies.max() < 1


def test_what_is_never_answered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_DRAIN_S", 0.2)
    with server() as address:
        run = load.constant(address, requests(address, "ok", "nothing"), rate=20, seconds=0.5, connections=10)
    assert run.statuses == {OK: 5, UNANSWERED: 5}
    assert run.failed == {UNANSWERED: 5}


def test_a_quantile_is_a_latency_that_was_measured() -> None:
    latencies = np.arange(1, 101) / 1e3
    assert quantile_ms(latencies, 0.5) in latencies * 1e3
    assert quantile_ms(latencies, 0.99) == 100
    assert np.isnan(quantile_ms(np.empty(0), 0.5))


def test_an_answer_s_body_is_kept() -> None:
    with server() as address:
        connection = Connection(address)
        connection.send(post(address, "/", b"chunked"))
        while connection.receive() is None:
            pass
        connection.close()
    assert connection.body == b"{}"
