"""A body that is there is read at once; one that comes late is waited for, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from serving.body_limit import Body, BodyLimits
from serving.errors import ApiError

MESSAGE = {"type": "http.request", "body": b"{}", "more_body": False}


def limits(seconds: float) -> BodyLimits:
    return BodyLimits(limit=1_000, in_flight=1_000, seconds=seconds)


@pytest.mark.parametrize("pauses", [(), (0.0,), (0.001, 0.0, 0.001)], ids=["there", "soon", "in steps"])
def test_a_body_is_read_whenever_it_comes(pauses):
    async def receive():
        for pause in pauses:
            await asyncio.sleep(pause)
        return MESSAGE

    async def read():
        return await Body(limits(60), receive).receive()

    assert asyncio.run(read()) == MESSAGE


def test_who_waits_for_a_body_lets_go_of_it_in_the_end():
    ended = []

    async def receive():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def read():
        with pytest.raises(ApiError, match="did not arrive within"):
            await Body(limits(0.01), receive).receive()
        assert ended == [True]
        task = asyncio.create_task(Body(limits(60), receive).receive())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(read())
    assert ended == [True, True]


def test_a_failure_on_the_way_is_raised():
    async def receive():
        await asyncio.sleep(0)
        raise ConnectionError("gone")

    async def read():
        await Body(limits(60), receive).receive()

    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(read())
