"""Requests that come together are scored together, and each is answered as if it had come alone."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_requests_at_once_are_answered_as_one_by_one(
    app: FastAPI, client: TestClient, instance: dict[str, Any]
) -> None:
    bodies = [{"instances": [{**instance, "device_id": f"device-{i}"}] * (1 + i % 2)} for i in range(8)]

    async def together() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as asynchronous:
            return await asyncio.gather(*(asynchronous.post("/v1/models/tiny:predict", json=b) for b in bodies))

    alone = [client.post("/v1/models/tiny:predict", json=body) for body in bodies]
    answers = asyncio.run(together())
    assert {r.status_code for r in answers} == {200}
    assert [r.json() for r in answers] == [r.json() for r in alone]
