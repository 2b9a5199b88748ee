"""Short requests: answered without the app, as by the app, and only where nothing is unusual."""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
import orjson
import pytest
import uvicorn

from serving import logs, predict, server
from serving.app import create_app
from serving.service import Service
from serving.settings import Settings

#: requests that come alone before the next one is answered at once
QUIET = 16
PATH = "/v1/models/tiny:predict"


class Answers:
    """What a connection has received."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.found: list[tuple[int, dict[str, str], Any]] = []

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode()] = value.decode()

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 100:
            self.found.append((status, self._headers, orjson.loads(self._body)))


class Connection:
    """To the server, with what of its requests the app has seen."""

    def __init__(self, server: uvicorn.Server, seen: list[str], service: Service) -> None:
        self.server, self.seen, self.service = server, seen, service

    async def open(self) -> Connection:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def another(self) -> Connection:
        return await Connection(self.server, self.seen, self.service).open()

    def close(self) -> None:
        self._writer.close()

    async def send(self, *pieces: bytes) -> None:
        """The pieces, each by itself."""
        for i, piece in enumerate(pieces):
            if i:
                await asyncio.sleep(0.05)
            self._writer.write(piece)
            await self._writer.drain()

    async def receive(self, many: int = 1) -> list[tuple[int, dict[str, str], Any]]:
        answers = Answers()
        while len(answers.found) < many:
            data = await asyncio.wait_for(self._reader.read(1 << 16), 10)
            assert data, f"hung up after {answers.found}"
            answers.feed(data)
        return answers.found

    async def ask(self, *pieces: bytes) -> tuple[int, dict[str, str], Any]:
        await self.send(*pieces)
        return (await self.receive())[0]

    async def hung_up(self) -> bool:
        return await asyncio.wait_for(self._reader.read(1), 10) == b""


@pytest.fixture
def asked(models_dir):
    """Runs a conversation with a server whose model has been answering somebody alone."""

    def run(talk: Callable[[Connection], Awaitable[Any]], instance: Any, settings: Settings | None = None) -> Any:
        app = create_app(models_dir, settings)
        seen: list[str] = []

        async def watched(scope, receive, send) -> None:
            seen.append(scope["path"])
            await app(scope, receive, send)

        service = app.state.service

        async def conversation() -> Any:
            running = server.create(service, watched, "127.0.0.1", 0, predict.quick_routes(service))
            serving = asyncio.create_task(running.serve())
            while not running.started:
                await asyncio.sleep(0.01)
            connection = await Connection(running, seen, service).open()
            for _ in range(QUIET):
                await connection.ask(request(instance))
            seen.clear()
            try:
                return await talk(connection)
            finally:
                connection.close()
                running.should_exit = True
                await serving

        return asyncio.run(conversation())

    return run


def request(instance: Any, *headers: str, path: str = PATH, body: bytes | None = None) -> bytes:
    content = orjson.dumps({"instances": [instance]}) if body is None else body
    lines = [f"POST {path} HTTP/1.1", "Host: api", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


def without_date(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


def test_it_is_answered_without_the_app_as_by_the_app(asked, instance):
    async def talk(c: Connection):
        alone = await c.ask(request(instance))
        assert c.seen == []
        by_the_app = await c.ask(request(instance, "X-Request-Timeout-Ms: 5000"))
        assert c.seen == [PATH]
        return alone, by_the_app

    (status, headers, content), (status_by_app, headers_by_app, content_by_app) = asked(talk, instance)
    assert (status, content) == (status_by_app, content_by_app) == (200, content)
    assert without_date(headers) == without_date(headers_by_app)
    assert headers["date"]
    assert headers["x-model-version"] == content["version"] == "tiny-1"


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        (lambda one: [one[:-40], one[-40:]], 200),
        (lambda one: [one[:20], one[20:]], 200),
        (lambda one: [one.replace(b"Host: api", b"Host: api\r\nExpect: 100-continue")], 200),
        (lambda one: [one.replace(b"tiny:predict", b"none:predict")], 404),
        (lambda one: [one.replace(b"POST", b"PUT")], 405),
    ],
    ids=[
        "a body in pieces",
        "a head in pieces",
        "expect",
        "no model",
        "another method",
    ],
)
def test_what_is_unusual_is_the_apps_and_the_connection_goes_on(asked, instance, pieces, status):
    async def talk(c: Connection):
        found = await c.ask(*pieces(request(instance)))
        seen = list(c.seen)
        after = await c.ask(request(instance))
        return found[0], len(seen), after[0], len(c.seen)

    found, seen, after, seen_after = asked(talk, instance)
    assert (found, after) == (status, 200)
    head_in_pieces = seen == 0 and pieces(b"0123456789" * 5)[0] == b"0123456789" * 2
    assert seen == 1 or head_in_pieces
    assert seen_after == seen


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"device-1", b"device 1", 422),
        (b'"instances"', b'"instanzes"', 422),
        (b'{"instances"', b'["instances"', 400),
        (b'"window_end"', b'"calibration":{"center":[1e999]},"window_end"', 422),
    ],
    ids=["a device", "a field", "no JSON", "a calibration"],
)
def test_a_refusal_is_the_apps_and_the_connection_goes_on(asked, instance, old, new, status):
    body = orjson.dumps({"instances": [instance]}).replace(old, new)

    async def talk(c: Connection):
        here = await c.ask(request(None, body=body))
        assert c.seen == []
        by_the_app = await c.ask(request(None, "X-Request-Timeout-Ms: 5000", body=body))
        assert c.seen == [PATH]
        return here, by_the_app, (await c.ask(request(instance)))[0]

    here, by_the_app, after = asked(talk, instance)
    assert (here[0], after) == (status, 200)
    assert here[2] == by_the_app[2]
    assert without_date(here[1]) == without_date(by_the_app[1])


def test_what_many_ask_in_one_turn_is_scored_together_and_each_gets_its_own(asked, instance):
    devices = [f"device-{i}" for i in range(20)]

    async def talk(c: Connection):
        many = [await c.another() for _ in devices]
        # none is read before all are there
        for one, device in zip(many, devices, strict=True):
            one._writer.write(request({**instance, "device_id": device}))
        answers = [(await one.receive())[0] for one in many]
        for one in many:
            one.close()
        return answers, c.service.metrics.text().decode(), list(c.seen)

    answers, text, seen = asked(talk, instance)
    assert seen == []
    assert [status for status, _, _ in answers] == [200] * len(devices)
    assert [content["predictions"][0]["device_id"] for _, _, content in answers] == devices
    batches = next(line for line in text.splitlines() if line.startswith("aiot_batch_windows_count"))
    # the first may be answered at once, the others are some to a batch
    assert float(batches.split()[-1]) <= QUIET + len(devices) / 2


def test_of_requests_that_come_together_only_the_first_is_answered_where_it_is_read(asked, instance):
    """Else one client's packet of refusals would be answered to its end before anybody else is heard."""
    wrong = request(None, body=b"{")

    async def talk(c: Connection):
        await c.send(wrong * 5 + request(instance))
        found = [status for status, _, _ in await c.receive(6)]
        return found, list(c.seen), (await c.ask(wrong))[0], list(c.seen)

    found, seen, after, seen_after = asked(talk, instance)
    assert (found, after) == ([400] * 5 + [200], 400)
    assert seen == seen_after == [PATH] * 5


def test_a_request_behind_one_that_waits_is_answered_after_it(asked, instance):
    async def talk(c: Connection):
        c.service.models["tiny"].batcher._singles = 0
        await c.send(request({**instance, "device_id": "first"}) + b"GET /health/live HTTP/1.1\r\nHost: api\r\n\r\n")
        return await c.receive(2)

    first, second = asked(talk, instance)
    assert first[2]["predictions"][0]["device_id"] == "first"
    assert second[2] == {"status": "alive"}


def test_a_client_that_goes_while_it_waits_takes_nobody_with_it(asked, instance, caplog):
    async def talk(c: Connection):
        c.service.models["tiny"].batcher._singles = 0
        gone = await c.another()
        gone._writer.write(request(instance))
        gone._writer.transport.abort()
        return (await c.ask(request(instance)))[0]

    assert asked(talk, instance) == 200
    assert not [r for r in caplog.records if r.levelname in {"WARNING", "ERROR"}]


def test_whoever_waits_when_the_server_ends_is_answered(asked, instance):
    async def talk(c: Connection):
        batcher = c.service.models["tiny"].batcher
        batcher._singles = 0
        start, ended = batcher._start, []

        def end_and_start() -> None:
            ended.extend(p.shutdown() for p in c.server.server_state.connections)
            start()

        batcher._start = end_and_start
        status, _, _ = await c.ask(request(instance))
        return status, len(ended), await c.hung_up()

    assert asked(talk, instance) == (200, 1, True)


def test_there_may_be_too_much_to_do(asked, instance):
    async def talk(c: Connection):
        load = c.service.models["tiny"].batcher._load
        load.begin(10**9)
        refused = await c.ask(request(instance))
        load.end(10**9)
        return refused, list(c.seen)

    (status, headers, content), seen = asked(talk, instance)
    assert (status, content["error"]["code"], seen) == (503, "overloaded", [])
    assert int(headers["retry-after"]) >= 1


def test_an_answer_that_comes_too_late_is_none(asked, instance):
    async def talk(c: Connection):
        batcher = c.service.models["tiny"].batcher
        batcher._singles = 0
        start = batcher._start

        def start_late() -> None:
            time.sleep(0.1)
            start()

        batcher._start = start_late
        status, headers, content = await c.ask(request(instance))
        return status, headers["retry-after"], content["error"]["code"], batcher._load.wait_s()

    assert asked(talk, instance, Settings(request_timeout_ms=50)) == (503, "1", "overloaded", 0)


def test_several_requests_in_one_packet_are_answered_in_their_order(asked, instance):
    devices = [f"device-{i}" for i in range(5)]

    async def talk(c: Connection):
        await c.send(b"".join(request({**instance, "device_id": d}) for d in devices))
        return await c.receive(len(devices))

    found = asked(talk, instance)
    assert [content["predictions"][0]["device_id"] for _, _, content in found] == devices


def test_a_connection_takes_any_number_of_requests(asked, instance):
    """Also more than a request's head may have bytes (`serving.connection_limits`)."""
    one = request(instance)

    async def talk(c: Connection):
        answers = [(await c.ask(one))[0] for _ in range(2 * 64 * 1024 // len(one) + 2)]
        return answers, list(c.seen)

    answers, seen = asked(talk, instance)
    assert set(answers) == {200}
    assert seen == []


def test_a_client_that_wants_to_go_is_let_go(asked, instance):
    async def talk(c: Connection):
        status, headers, _ = await c.ask(request(instance, "Connection: close"))
        return status, headers["connection"], await c.hung_up()

    assert asked(talk, instance) == (200, "close", True)


def test_a_server_that_is_to_end_says_so(asked, instance):
    async def talk(c: Connection):
        c.service.lifecycle.draining = True
        await c.ask(request(instance))
        return list(c.seen)

    assert asked(talk, instance) == [PATH]


@pytest.mark.parametrize("cut", [None, 10, -60])
def test_an_offer_of_another_protocol_is_passed_over(asked, instance, cut):
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk")
    one = request(instance, *offer)

    async def talk(c: Connection):
        behind = request({**instance, "device_id": "behind"})
        await c.send(*([one + behind] if cut is None else [one[:cut], one[cut:] + behind]))
        return await c.receive(2)

    first, second = asked(talk, instance)
    assert [found[0] for found in (first, second)] == [200, 200]
    devices = [found[2]["predictions"][0]["device_id"] for found in (first, second)]
    assert devices == [instance["device_id"], "behind"]


def test_an_offer_with_a_long_body_is_passed_over_too(asked, instance):
    body = orjson.dumps({"instances": [instance] * 600})

    async def talk(c: Connection):
        return await c.ask(request(None, "Connection: Upgrade", "Upgrade: h2c", body=body))

    status, _, content = asked(talk, instance)
    assert len(body) > 64 * 1024
    assert (status, len(content["predictions"])) == (200, 600)


def test_a_body_beyond_the_limit_is_refused(asked, instance):
    size = len(request(instance).partition(b"\r\n\r\n")[2])

    async def talk(c: Connection):
        most, (refused, _, _) = await c.ask(request(instance)), await c.ask(request({**instance, "device_id": "d" * 9}))
        return most[0], refused

    settings = Settings(max_body_bytes=size)
    assert asked(talk, instance, settings) == (200, 413)


def test_each_answer_is_counted_once(asked, instance):
    async def talk(c: Connection):
        for one in (request(instance), request(instance), request({**instance, "device_id": "?"})):
            await c.ask(one)
        return c.service.metrics.text().decode()

    text = asked(talk, instance)
    template = "/v1/models/{profile}:predict"
    assert f'aiot_requests_total{{route="{template}",status="200"}} {QUIET + 2}.0' in text
    assert f'aiot_requests_total{{route="{template}",status="422"}} 1.0' in text
    assert f'aiot_windows_total{{model="tiny"}} {QUIET + 2}.0' in text
    assert f'aiot_request_seconds_count{{route="{template}"}} {QUIET + 3}.0' in text


def test_a_fault_of_the_runtime_is_told_and_logged_with_its_trace(asked, instance, monkeypatch):
    from aiot_anomaly.detector import Detector

    trace = "0af7651916cd43dd8448eb211c80319c"

    async def talk(c: Connection):
        def broken(*_: object) -> None:
            raise RuntimeError("the runtime failed")

        monkeypatch.setattr(Detector, "score", broken)
        failed = await c.ask(request(instance, f"traceparent: 00-{trace}-b7ad6b7169203331-01"))
        monkeypatch.undo()
        return failed[0], failed[2]["error"]["code"], (await c.ask(request(instance)))[0]

    log = logging.getLogger("serving.quick")
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs.JsonFormatter())
    log.addHandler(handler)
    try:
        assert asked(talk, instance) == (500, "internal", 200)
    finally:
        log.removeHandler(handler)
    line = orjson.loads(handler.stream.getvalue())
    assert "RuntimeError: the runtime failed" in line["exception"]
    assert line["logging.googleapis.com/trace"] == trace
