"""The start: predictions and health are answered before the framework is there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from serving import front, server, service
from serving.app import of_service
from serving.later import Later
from serving.service import Service
from serving.settings import Settings

PREDICT = "/v1/models/tiny:predict"
#: what takes long to import, or is of no use to a service
HEAVY = {"fastapi", "opentelemetry", "pandas", "requests", "numpy.testing", "onnxruntime.transformers", "pydantic.v1"}


@pytest.fixture
def served(models_dir) -> Service:
    return service.load(models_dir, Settings())


def talked(served: Service, talk: Callable[[httpx.AsyncClient, Later], Awaitable[Any]]) -> Any:
    """What a conversation with a front leads to whose app is not there before it is made."""

    async def conversation() -> Any:
        later = Later(lambda: of_service(served))
        transport = httpx.ASGITransport(front.create(served, later), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await talk(client, later)

    return asyncio.run(conversation())


def test_what_is_imported_before_it_is_ready():
    code = f"import sys, serving.command; found = {HEAVY} & sys.modules.keys(); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_predictions_and_health_are_answered_before_the_app_is_there(served, instance):
    async def talk(client: httpx.AsyncClient, _: Later) -> list[httpx.Response]:
        health = [await client.get(f"/health/{of}") for of in ("live", "ready")]
        return [*health, await client.post(PREDICT, json={"instances": [instance]})]

    live, ready, predicted = talked(served, talk)
    assert live.json() == {"status": "alive"}
    assert ready.json() == {"status": "ready", "models": {"other": "other-7", "tiny": "tiny-1"}}
    assert ready.headers["content-type"] == "application/json"
    assert predicted.json()["predictions"][0]["device_id"] == "device-1"
    counted = served.metrics.text().decode()
    assert 'aiot_requests_total{route="/health/ready",status="200"} 1.0' in counted


def test_whoever_asks_the_app_before_it_is_there_waits_for_it(served):
    async def talk(client: httpx.AsyncClient, later: Later) -> list[httpx.Response]:
        asked = [asyncio.create_task(client.request(*r)) for r in (("GET", "/v1/models"), ("POST", "/health/ready"))]
        assert not (await asyncio.wait(asked, timeout=0.1))[0]
        await later.make()
        return await asyncio.gather(*asked)

    models, wrong = talked(served, talk)
    assert [m["name"] for m in models.json()["models"]] == ["other", "tiny"]
    assert wrong.json()["error"]["code"] == "method_not_allowed"


def test_the_app_says_of_its_health_what_the_front_says(served):
    async def talk(client: httpx.AsyncClient, later: Later) -> list[tuple[int, Any, bytes]]:
        await later.make()
        found = []
        for draining in (False, True):
            served.lifecycle.draining = draining
            # the app's own route, which the front hides
            behind = httpx.AsyncClient(transport=httpx.ASGITransport(later), base_url="http://api")
            for path in ("/health/live", "/health/ready"):
                for asked in (client, behind):
                    response = await asked.get(path)
                    found.append((response.status_code, sorted(response.headers.items()), response.content))
        return found

    found = talked(served, talk)
    front_says, app_says = found[::2], found[1::2]
    assert front_says == app_says
    assert [status for status, _, _ in front_says] == [200, 200, 200, 503]


def test_a_fault_in_front_of_the_app_is_told_as_everywhere(served, instance, monkeypatch):
    async def broken(*_: object) -> None:
        raise RuntimeError("the graph fell over")

    tiny = served.models["tiny"]
    monkeypatch.setattr(tiny.batcher, "score", broken)
    response = talked(served, lambda client, _: client.post(PREDICT, json={"instances": [instance]}))
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"


def test_an_app_that_cannot_be_put_together_ends_the_process(served):
    def broken() -> Any:
        raise ImportError("no framework")

    later = Later(broken)
    with pytest.raises(ExceptionGroup) as e:
        server.create(served, front.create(served, later), "127.0.0.1", 0, {}, later.make).run()
    assert e.group_contains(ImportError, match="no framework")
