"""What is Firestore's own: how a state lies in it, how large it may be, and what happens while it is not there."""

from __future__ import annotations

import contextlib
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.cloud.firestore import DELETE_FIELD, Client

from functions.errors import StateTooLargeError, StoreUnavailableError
from functions.firestore_store import LARGEST_STATE, PARKED_FOR, FirestoreStore, document_id
from functions.store import WindowStore
from local import firestore
from local.stack import free_port
from tests.functions.processes import wait_for
from tests.functions.states import state

CALLS: dict[str, Callable[[WindowStore], object]] = {
    "read": lambda store: store.read("leak", "d-1"),
    "write": lambda store: store.write("leak", "d-1", state(1), None),
    "park": lambda store: store.park("m-1", "leak", "unknown_sensor"),
    "totals": lambda store: store.totals(),
}


@pytest.fixture
def project() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def store(firestore_host: str, project: str) -> Iterator[FirestoreStore]:
    store = FirestoreStore(project, "aiot", timeout_s=20)
    yield store
    store.close()


@pytest.fixture
def client(firestore_host: str, project: str) -> Client:
    """Sees the documents as they are."""
    return Client(project=project, database="aiot")


def test_a_device_is_one_document_with_its_state_as_bytes(store: FirestoreStore, client: Client) -> None:
    store.write("leak", "dma-07", state(3, due_at=900), None)
    (document,) = client.collection("devices").stream()
    assert document.id == "leak:dma-07"
    assert document.to_dict() == {
        "profile": "leak",
        "device": "dma-07",
        "counts": {"decided": 3, "warming_up": 0, "duplicate": 0, "late": 1, "gap": 0, "pending": 1},
        "state": state(3, due_at=900).encode(),
        "due": "12/000000000900",
    }


def test_the_revision_is_the_time_of_the_last_write(store: FirestoreStore, client: Client) -> None:
    store.write("leak", "dma-07", state(3, due_at=900), None)
    (document,) = client.collection("devices").stream()
    assert store.read("leak", "dma-07")[1] == document.update_time.rfc3339()


def test_a_parked_message_says_when_it_may_be_forgotten(store: FirestoreStore, client: Client) -> None:
    store.park("12345", "leak", "unknown_sensor")
    (document,) = client.collection("parked").stream()
    found = document.to_dict()
    left = found.pop("expires_at") - datetime.now(UTC)
    assert abs((left - PARKED_FOR).total_seconds()) < 60
    assert (document.id, found) == ("12345", {"profile": "leak", "code": "unknown_sensor"})


def test_databases_of_one_project_are_apart(store: FirestoreStore, project: str) -> None:
    store.write("leak", "d-1", state(1), None)
    other = FirestoreStore(project, "aiot-dev", timeout_s=20)
    assert other.totals().devices == 0
    other.close()


def test_the_largest_state_fits_and_a_larger_one_is_refused_before_it_is_sent(store: FirestoreStore) -> None:
    profile, device = "p" * 63, "d" * 128
    empty = replace(state(), messages=("",))
    largest = replace(empty, messages=("m" * (LARGEST_STATE - len(empty.encode())),))
    assert len(largest.encode()) == LARGEST_STATE
    store.write(profile, device, largest, None)
    assert store.read(profile, device)[0].messages == largest.messages
    larger = replace(largest, messages=(largest.messages[0] + "m",))
    with pytest.raises(StateTooLargeError, match=re.escape(f"takes {LARGEST_STATE + 1:,} bytes")):
        store.write(profile, "other", larger, None)
    assert store.read(profile, "other")[1] is None


@pytest.mark.parametrize("call", CALLS)
def test_while_nothing_listens_it_is_unavailable_after_its_timeout(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    store, begin = FirestoreStore("p", "aiot", timeout_s=1.5), time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"database aiot of project p: .*refused"):
        CALLS[call](store)
    assert time.monotonic() - begin < 2.5
    store.close()


@pytest.mark.parametrize("call", CALLS)
def test_what_listens_and_does_not_answer_is_not_waited_for_longer(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        store, begin = FirestoreStore("p", "aiot", timeout_s=1.5), time.monotonic()
        with pytest.raises(StoreUnavailableError):
            CALLS[call](store)
        assert time.monotonic() - begin < 2.5
        store.close()


def test_a_store_whose_server_goes_and_comes_fails_and_works_with_it(
    firestore_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = free_port()
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
    store = FirestoreStore("p", "aiot", timeout_s=2)

    def parks() -> bool:
        with contextlib.suppress(StoreUnavailableError):
            store.park("m-1", "leak", "unknown_sensor")
            return True
        return False

    assert not parks()
    with firestore.running(tmp_path / "emulator.log", port=port):
        wait_for(parks, 60)  # a new emulator is slow at first
        assert store.totals().parked == {"unknown_sensor": 1}
    assert not parks()
    store.close()


def test_it_opens_nothing_before_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # the server forks its workers after the store was made, and a connection does not survive that
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    store = FirestoreStore("p", "aiot", timeout_s=1)
    with pytest.raises(StoreUnavailableError, match=r"none\.json"):
        store.read("leak", "d-1")
    store.close()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("leak", "dma-07"), "leak:dma-07"),
        (("leak", "site/7:a_b"), "leak:site%2F7%3Aa_b"),
        (("leak", "é"), "leak:%C3%A9"),
        (("..",), None),
        (("__a__",), None),
        (("",), None),
        (("leak", "d" * 1_496), None),
    ],
)
def test_an_id_is_readable_unless_firestore_refuses_that(parts: tuple[str, ...], expected: str | None) -> None:
    found = document_id(*parts)
    assert found == expected if expected is not None else re.fullmatch(r"sha256=[0-9a-f]{64}", found)


def test_devices_of_a_release_without_due_are_swept_once_they_are_brought_up(
    store: FirestoreStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.firestore_store._PAGE", 2)
    names = [f"d-{i}" for i in range(5)]
    for name in names:
        store.write("leak", name, state(1, due_at=900), None)
    store.write("leak", "told", state(1), None)  # nobody need look after it
    for name in names[:3]:
        client.collection("devices").document(f"leak:{name}").update({"due": DELETE_FIELD})
    assert store.due(800, 10) == []
    assert store.bring_up() == 3
    assert sorted(store.due(800, 10)) == [("leak", name) for name in names[:3]]
    assert store.read("leak", "d-0")[0].encode() == state(1, due_at=900).encode()
    assert store.bring_up() == 0


def test_a_device_that_sends_while_it_is_brought_up_is_left_as_it_sent(
    store: FirestoreStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("leak", "d-1", state(1, due_at=900), None)
    client.collection("devices").document("leak:d-1").update({"due": DELETE_FIELD})
    pages = FirestoreStore._pages

    def sending(self: FirestoreStore, fields: list[str]) -> Iterator[object]:
        for document in pages(self, fields):
            store.write("leak", "d-1", state(2, due_at=1_000), store.read("leak", "d-1")[1])
            yield document

    monkeypatch.setattr(FirestoreStore, "_pages", sending)
    assert store.bring_up() == 0
    assert store.due(999, 10) == []
    assert store.due(1_000, 10) == [("leak", "d-1")]
