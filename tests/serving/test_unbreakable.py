"""A real process under attack: nothing fails, memory is bounded, and the next good request is answered.

`make test` sends a part of the generated bodies, `make hostile` all 20,000 (HOSTILE_BODIES says how many).
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from tests.serving.victim import PREDICT, Victim
from tests.support import hostile
from tests.support.tiny_bundle import readings, tiny_profile

BODIES = int(os.environ.get("HOSTILE_BODIES", "2000"))
SEED = 20
DETECT = "/v1/models/tiny:detect"
#: what a process may take on top of what it has when it is ready
MORE_MIB = 160
REFUSED = {400, 404, 405, 408, 411, 413, 415, 422, 431, 503}


@pytest.fixture
def good(instance: dict[str, Any]) -> dict[str, Any]:
    return {"instances": [instance]}


def raw_readings() -> dict[str, Any]:
    times, values = readings(tiny_profile(), 30)
    names = ("flow", "pressure")
    rows = [
        {"timestamp": as_text(t), "values": dict(zip(names, v, strict=True))}
        for t, v in zip(times.tolist(), values.tolist(), strict=True)
    ]
    return {"device_id": "device-1", "readings": rows, "last_only": True}


def as_text(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def routes(victim: Victim, good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A good body for each address that takes one."""
    of_readings = raw_readings()
    described = victim.client.get("/openapi.json").json()["paths"]
    known = {"predict": good, "detect": of_readings, "calibrate": of_readings, "/invocations": good}
    found = {}
    for path in (p for p, methods in described.items() if "post" in methods):
        name = path.rpartition(":")[2]
        assert name in known, f"{path} is a new route: give it a good body here"
        found[path.replace("{profile}", "tiny")] = known[name]
    assert {PREDICT, DETECT} <= set(found)
    return found


def test_generated_bodies_are_refused_and_the_next_good_request_is_answered(victim, good):
    statuses: Counter[tuple[str, int]] = Counter()
    for number, attack in enumerate(hostile.attacks(routes(victim, good), SEED, BODIES)):
        status, headers, body = victim.attack(attack)
        where = f"attack {number} of seed {SEED}: {attack.kind} on {attack.path} {dict(attack.headers)}, {status}"
        where = f"{where} {body[:300]!r}"
        assert status in REFUSED | {200}, f"{where}\n{attack.body[:2_000]!r}"
        if status == 503:
            assert int(headers["retry-after"]) > 0, where
        if status != 200:
            assert len(body) < 4_000, f"{where}: the refusal echoes what was sent"
            assert set(orjson.loads(body)["error"]) == {"code", "message", "details"}, where
        statuses[attack.kind, status] += 1
        if number % 100 == 99:
            victim.answers(good)
    victim.answers(good)
    kinds = {kind for kind, _ in statuses}
    assert len(kinds) == 11
    assert all(any(statuses[kind, refusal] for refusal in (400, 422)) for kind in kinds), statuses
    assert victim.failures() == []
    assert victim.grown_mib() < MORE_MIB


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
@pytest.mark.parametrize("filling", [b" ", b"[", b"[],", b'{"a":1},', b"1,", b'"'], ids=repr)
def test_100_mb_bodies_are_refused_in_bounded_memory(victim, good, filling, declared):
    size = 100_000_000
    piece = filling * (1_000_000 // len(filling))
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s:
        length = f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"
        s.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{length}\r\n\r\n".encode())
        try:
            for _ in range(size // len(piece)):
                s.sendall(piece if declared else f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        except OSError:
            pass  # it hung up, after it had answered
        assert s.recv(200).startswith(b"HTTP/1.1 413 ")
    victim.answers(good)
    assert victim.grown_mib() < MORE_MIB


@pytest.mark.parametrize("filling", [b"[],", b'{"a":1},', b"1,", b'"a",', b"null,"], ids=repr)
@pytest.mark.parametrize(
    ("route", "head", "tail"),
    [
        (PREDICT, b'{"instances":[', b"0]}"),
        (PREDICT, b'{"instances":[{"device_id":"d","window_end":"2026-01-01T00:00:00Z","values":[', b"0]}]}"),
        (
            PREDICT,
            b'{"instances":[{"device_id":"d","window_end":"2026-01-01T00:00:00Z","values":[],"calibration":{"a":[',
            b"0]}}]}",
        ),
        (DETECT, b'{"readings":[', b"0]}"),
        (DETECT, b'{"device_id":"d","readings":[],"calibration":{"a":[', b"0]}}"),
    ],
    ids=["instances", "values", "calibration", "readings", "calibration of readings"],
)
def test_bodies_within_the_limit_do_not_become_many_times_as_large(victim, good, route, head, tail, filling):
    body = head + filling * (15_000_000 // len(filling)) + tail
    assert victim.client.post(route, content=body).status_code in {413, 422}
    victim.answers(good)
    assert victim.grown_mib() < MORE_MIB


def test_slow_clients_do_not_keep_others_from_their_answers(victim, good):
    begins = [
        b"", b"P", b"POST ", f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\n".encode(),
        f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{{".encode(),
        f"POST {DETECT} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n".encode(),
    ]  # fmt: skip
    slow = [socket.create_connection(("127.0.0.1", victim.port), timeout=30) for _ in range(300)]
    try:
        for i, s in enumerate(slow):
            s.sendall(begins[i % len(begins)])
        for _ in range(5):
            for i, s in enumerate(slow):
                # a byte more of whatever was begun; what has become nonsense is hung up on
                try:
                    s.sendall(b" " if i % len(begins) == 4 else b"x")
                except OSError:
                    continue
            assert victim.answers(good) < 2
    finally:
        for s in slow:
            s.close()
    victim.answers(good)
    assert victim.failures() == []
    assert victim.grown_mib() < MORE_MIB


def test_many_large_bodies_at_once_stay_in_bounded_memory(victim, good):
    size, clients = 20_000_000, 40
    slow = [socket.create_connection(("127.0.0.1", victim.port), timeout=10) for _ in range(clients)]
    try:
        for s in slow:
            s.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        for s in slow:
            try:
                for _ in range(19):
                    s.sendall(b" " * 1_000_000)
            except OSError:
                continue  # it was told 503 or was hung up on
        victim.answers(good)
    finally:
        for s in slow:
            s.close()
    assert victim.grown_mib() < MORE_MIB


def test_many_good_requests_at_once_are_all_answered_as_one_alone(victim, good):
    alone = victim.client.post(PREDICT, json=good).json()["predictions"]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: victim.client.post(PREDICT, json=good), range(320)))
    assert Counter(a.status_code for a in answers) == {200: 320}
    scores = [a.json()["predictions"][0]["score"] for a in answers]
    assert scores == pytest.approx([alone[0]["score"]] * 320, rel=1e-5)
    assert victim.failures() == []


def test_endless_headers_are_refused_in_bounded_memory(victim, good):
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s:
        s.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nX-Endless: ".encode())
        with pytest.raises(ConnectionError):
            s.sendall(b"x" * 200_000_000)
    victim.answers(good)
    assert victim.grown_mib() < MORE_MIB


def test_endless_trailers_are_refused_in_bounded_memory(victim, good):
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        s.sendall(head.encode() + b"2\r\n{}\r\n0\r\nX-Endless: ")
        with pytest.raises(ConnectionError):
            s.sendall(b"x" * 200_000_000)
    victim.answers(good)
    assert victim.grown_mib() < MORE_MIB


@pytest.mark.parametrize("path", ["GET /health/live", f"POST {PREDICT}"], ids=["GET", "POST"])
def test_a_client_that_asks_ahead_and_never_reads_is_read_no_further(victim, good, path):
    one = f"{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", victim.port), timeout=1) as s, pytest.raises(TimeoutError):
        s.sendall(one * (100_000_000 // len(one)))
    victim.answers(good)
    assert victim.grown_mib() < MORE_MIB


def test_a_client_that_asks_ahead_and_reads_later_gets_every_answer(victim):
    one, many = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n", 20_000
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(s.sendall, one * many)
        found = b""
        while found.count(b"HTTP/1.1 200") < many or not found.endswith(b"}"):
            received = s.recv(1 << 20)
            assert received
            found += received
        sent.result()


def test_a_client_that_asks_ahead_and_goes_is_no_failure(victim, good):
    content = orjson.dumps(good)
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nX-Request-Timeout-Ms: 900\r\nContent-Length: {len(content)}\r\n\r\n"
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s:
            s.sendall((head.encode() + content) * 3)
    victim.answers(good)
    assert victim.failures() == []


def test_what_is_no_http_is_refused_as_everything_else(victim):
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s:
        s.sendall(b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n")
        answer = s.recv(10_000)
        assert s.recv(1) == b""
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert orjson.loads(content)["error"]["code"] == "malformed_request"


def test_a_large_body_in_one_piece_is_no_endless_head(victim, good):
    large = {"instances": good["instances"] * 1_000}
    for _ in range(3):
        assert victim.client.post(PREDICT, json=large).status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00" * 1_000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"%" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5_000)) + b"\r\n",
    ],
    ids=lambda b: repr(b[:40]),
)
def test_what_is_no_request_is_refused(victim, good, request_bytes):
    with socket.create_connection(("127.0.0.1", victim.port), timeout=30) as s:
        s.sendall(request_bytes)
        s.shutdown(socket.SHUT_WR)
        try:
            answer = s.recv(10_000)
        except OSError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 5"), answer
    victim.answers(good)
    assert victim.failures() == []
