"""Head and body of an answer leave together, and a head that nothing follows is not kept."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn

from serving.one_write import OneWrite

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}
BEGIN = {"type": "http.response.body", "body": b"bo", "more_body": True}
END = {"type": "http.response.body", "body": b"dy"}


async def received(*answer: dict[str, object] | float) -> list[bytes]:
    """What a client reads, piece by piece, of these messages and the pauses, in seconds, between them."""

    async def app(_scope, _receive, send) -> None:
        for part in answer:
            await (asyncio.sleep(part) if isinstance(part, float) else send(part))

    server = uvicorn.Server(uvicorn.Config(app, port=0, http=OneWrite, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    pieces = []
    while piece := await reader.read(65536):
        pieces.append(piece)
    writer.close()
    server.should_exit = True
    await running
    return pieces


@pytest.mark.parametrize(
    ("answer", "bodies"),
    [
        ((HEAD, {**END, "body": b"body"}), [b"body"]),
        ((HEAD, 0.2, {**END, "body": b"body"}), [b"", b"body"]),
        ((HEAD, BEGIN, 0.2, END), [b"bo", b"dy"]),
    ],
    ids=["at once", "a late body", "in two parts"],
)
def test_an_answer_arrives_whole_and_as_soon_as_it_is_there(answer, bodies):
    first, *others = asyncio.run(received(*answer))
    head, _, begin = first.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [begin, *others] == bodies
