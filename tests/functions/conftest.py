"""A Pub/Sub and a Firestore for all tests, and for each test a project, a store and an API of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from functions.api_client import ApiClient
from functions.firestore_store import FirestoreStore
from functions.publisher import Publisher
from functions.sqlite_store import SqliteStore
from functions.store import WindowStore
from local import firestore
from local.pubsub import emulator
from tests.functions import contract_api
from tests.functions.contract_api import ContractApi
from tests.functions.rig import Rig, Topics
from tests.support.tiny_bundle import tiny_profile


def _not_installed(emulator: str) -> NoReturn:
    reason = f"the official {emulator} emulator is not installed (AIOT_REQUIRE_EMULATOR=1 makes this a failure)"
    if os.environ.get("AIOT_REQUIRE_EMULATOR") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def pubsub_server(request: pytest.FixtureRequest) -> Iterator[emulator.Emulator]:
    """The embedded one; a test may ask for the official one as well."""
    kind = getattr(request, "param", "embedded")
    if kind == "official" and not emulator.find_official():
        _not_installed("Pub/Sub")
    with emulator.running(kind) as server:
        yield server


@pytest.fixture
def pubsub(pubsub_server: emulator.Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the Pub/Sub that clients of this test use."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_server.address)
    return pubsub_server.address


@pytest.fixture(scope="session")
def firestore_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the official Firestore emulator; a test takes a project of its own in it."""
    if not firestore.find():
        _not_installed("Firestore")
    with firestore.running(tmp_path_factory.mktemp("firestore") / "emulator.log") as address:
        yield address


@pytest.fixture
def firestore_host(firestore_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the Firestore that clients of this test use."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server)
    return firestore_server


@pytest.fixture
def topics(pubsub: str) -> Iterator[Topics]:
    topics = Topics(f"test-{uuid.uuid4().hex[:8]}")
    yield topics
    topics.close()


@pytest.fixture
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], WindowStore]]:
    """Opens a store, each time on the same data: SQLite, or what a test asks for. All are closed in the end."""
    opened, project = list[WindowStore](), f"test-{uuid.uuid4().hex[:8]}"
    kind = getattr(request, "param", "sqlite")
    if kind == "firestore":
        request.getfixturevalue("firestore_host")

    def open_one() -> WindowStore:
        opened.append(
            FirestoreStore(project, "aiot", timeout_s=20)
            if kind == "firestore"
            else SqliteStore(tmp_path / "new" / "stream.db", timeout_s=20, environ={})
        )
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], WindowStore]) -> WindowStore:
    return open_store()


@pytest.fixture
def contract() -> ContractApi:
    return ContractApi(tiny_profile())


@pytest.fixture
def rig(topics: Topics, store: WindowStore, contract: ContractApi) -> Iterator[Rig]:
    with contract_api.running(contract) as url:
        api = ApiClient(url, timeout_s=2, deadline_s=4)
        publisher = Publisher(topics.project, timeout_s=3)
        yield Rig(tiny_profile(), topics, store, api, publisher)
        api.close()
        publisher.close()
