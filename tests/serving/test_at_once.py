"""Short requests that come alone: answered without the app, as by the app, and only where nothing is unusual."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
import orjson
import pytest

from serving import predict, server
from serving.app import create_app
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

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[str], service) -> None:
        self._reader, self._writer, self.seen, self.service = reader, writer, seen, service

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
            port = running.servers[0].sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            connection = Connection(reader, writer, seen, service)
            for _ in range(QUIET):
                await connection.ask(request(instance))
            seen.clear()
            try:
                return await talk(connection)
            finally:
                writer.close()
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
        (lambda one: [one.replace(b"device-1", b"device 1")], 422),
        (lambda one: [one.replace(b'"instances"', b'"instanzes"')], 422),
        (lambda one: [one.replace(b'{"instances"', b'["instances"')], 400),
    ],
    ids=[
        "a body in pieces",
        "a head in pieces",
        "expect",
        "no model",
        "another method",
        "a device",
        "a field",
        "no JSON",
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


def test_a_body_beyond_the_limit_is_refused(asked, instance):
    size = len(request(instance).partition(b"\r\n\r\n")[2])

    async def talk(c: Connection):
        most, (refused, _, _) = await c.ask(request(instance)), await c.ask(request({**instance, "device_id": "d" * 9}))
        return most[0], refused

    settings = Settings(max_body_bytes=size)
    assert asked(talk, instance, settings) == (200, 413)


def test_a_busy_model_queues(asked, instance):
    async def talk(c: Connection):
        c.service.models["tiny"].batcher._singles = 0
        first = await c.ask(request(instance))
        return first[0], list(c.seen)

    assert asked(talk, instance) == (200, [PATH])


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


def test_a_fault_of_the_runtime_is_told_and_logged(asked, instance, monkeypatch, caplog):
    from aiot_anomaly.detector import Detector

    async def talk(c: Connection):
        def broken(*_: object) -> None:
            raise RuntimeError("the runtime failed")

        monkeypatch.setattr(Detector, "score", broken)
        failed = await c.ask(request(instance))
        monkeypatch.undo()
        return failed[0], failed[2]["error"]["code"], await c.hung_up()

    # uvicorn closes the connection of whatever failed
    assert asked(talk, instance) == (500, "internal", True)
    assert "the runtime failed" in caplog.text
