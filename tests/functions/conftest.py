"""A Pub/Sub for all tests, and for each test a project, a store and an API of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.api_client import ApiClient
from functions.publisher import Publisher
from functions.sqlite_store import SqliteStore
from local.pubsub import emulator
from tests.functions import contract_api
from tests.functions.contract_api import ContractApi
from tests.functions.rig import Rig, Topics
from tests.support.tiny_bundle import tiny_profile


@pytest.fixture(scope="session")
def pubsub_server(request: pytest.FixtureRequest) -> Iterator[emulator.Emulator]:
    """The embedded one; a test may ask for the official one as well."""
    kind = getattr(request, "param", "embedded")
    if kind == "official" and not emulator.find_official():
        reason = "the official Pub/Sub emulator is not installed (AIOT_REQUIRE_EMULATOR=1 makes this a failure)"
        if os.environ.get("AIOT_REQUIRE_EMULATOR") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with emulator.running(kind) as server:
        yield server


@pytest.fixture
def pubsub(pubsub_server: emulator.Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the Pub/Sub that clients of this test use."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_server.address)
    return pubsub_server.address


@pytest.fixture
def topics(pubsub: str) -> Iterator[Topics]:
    topics = Topics(f"test-{uuid.uuid4().hex[:8]}")
    yield topics
    topics.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "stream.db", environ={})
    yield store
    store.close()


@pytest.fixture
def contract() -> ContractApi:
    return ContractApi(tiny_profile())


@pytest.fixture
def rig(topics: Topics, store: SqliteStore, contract: ContractApi) -> Iterator[Rig]:
    with contract_api.running(contract) as url:
        api = ApiClient(url, timeout_s=2, deadline_s=4)
        publisher = Publisher(topics.project, timeout_s=3)
        yield Rig(tiny_profile(), topics, store, api, publisher)
        api.close()
        publisher.close()
