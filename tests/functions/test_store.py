"""The contract of a store, for each implementation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly.messages import OUTCOMES
from functions.errors import ConflictError
from functions.store import Kind, WindowStore
from tests.functions.states import state

pytestmark = pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)


def test_a_device_that_never_wrote_has_an_empty_state(store: WindowStore) -> None:
    found, revision = store.read("leak", "d-1")
    assert revision is None
    assert found.first_slot is None
    assert len(found.slots) == 0


def test_a_state_comes_back_as_it_was_written(store: WindowStore) -> None:
    written = state(3, values=np.nan)
    store.write("leak", "d-1", written, None)
    found, revision = store.read("leak", "d-1")
    assert revision is not None
    np.testing.assert_array_equal(found.values, written.values)
    assert found.encode() == written.encode()


def test_devices_of_the_same_name_in_two_profiles_are_two(store: WindowStore) -> None:
    store.write("leak", "d-1", state(1), None)
    assert store.read("fraud", "d-1")[1] is None
    store.write("fraud", "d-1", state(2), None)
    assert store.read("leak", "d-1")[0].outcomes["decided"] == 1


def test_a_write_against_an_older_revision_is_a_conflict_and_changes_nothing(store: WindowStore) -> None:
    store.write("leak", "d-1", state(1), None)
    _, first = store.read("leak", "d-1")
    store.write("leak", "d-1", state(2), first)
    with pytest.raises(ConflictError, match="leak/d-1"):
        store.write("leak", "d-1", state(99), first)
    assert store.read("leak", "d-1")[0].outcomes["decided"] == 2


def test_of_two_first_writes_the_second_is_a_conflict(store: WindowStore) -> None:
    store.write("leak", "d-1", state(1), None)
    with pytest.raises(ConflictError):
        store.write("leak", "d-1", state(99), None)
    assert store.read("leak", "d-1")[0].outcomes["decided"] == 1


def test_a_write_to_a_device_that_is_gone_is_a_conflict(store: WindowStore) -> None:
    store.write("leak", "d-2", state(1), None)
    _, revision = store.read("leak", "d-2")
    with pytest.raises(ConflictError):
        store.write("leak", "d-1", state(1), revision)
    assert store.read("leak", "d-1")[1] is None


def test_concurrent_writers_of_one_device_lose_nothing(store: WindowStore) -> None:
    threads, each = 4, 25
    start = threading.Barrier(threads)

    def count(_: int) -> int:
        conflicts = 0
        start.wait()
        for _ in range(each):
            while True:
                before, revision = store.read("leak", "d-1")
                decided = before.outcomes["decided"] + 1
                try:
                    store.write(
                        "leak", "d-1", replace(before, outcomes={**before.outcomes, "decided": decided}), revision
                    )
                    break
                except ConflictError:
                    conflicts += 1
        return conflicts

    with ThreadPoolExecutor(threads) as pool:
        conflicts = sum(pool.map(count, range(threads)))
    assert store.read("leak", "d-1")[0].outcomes["decided"] == threads * each
    assert conflicts > 0


def test_totals_sum_outcomes_what_is_pending_and_what_was_parked(store: WindowStore) -> None:
    store.write("leak", "d-1", state(3), None)
    store.write("leak", "d-2", state(4), None)
    store.write("fraud", "d-1", state(5), None)
    store.park("m-1", "leak", "unknown_sensor")
    store.park("m-2", "leak", "malformed_message")
    store.park("m-3", "nobody", "unknown_profile")
    everything = store.totals()
    assert everything.outcomes == {"decided": 12, "warming_up": 0, "duplicate": 0, "late": 3, "gap": 0}
    assert (everything.readings, everything.pending, everything.devices) == (15, 3, 3)
    assert everything.parked_messages == 3
    leak = store.totals("leak")
    assert (leak.outcomes["decided"], leak.devices, leak.pending) == (7, 2, 2)
    assert leak.parked == {"malformed_message": 1, "unknown_sensor": 1}


def test_totals_of_an_empty_store_are_zero(store: WindowStore) -> None:
    totals = store.totals()
    assert totals.outcomes == dict.fromkeys(OUTCOMES, 0)
    assert (totals.readings, totals.pending, totals.parked_messages, totals.devices) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("device", "other"),
    [
        ("a/b", "a%2Fb"),
        ("..", "."),
        ("__name__", "__name"),
        ("zähler 7 ✓", "zahler 7"),
        ("d" * 3000, "d" * 3001),
        ("a:b", "a"),
    ],
)
def test_a_device_or_message_of_any_name_is_kept_apart_from_all_others(
    store: WindowStore, device: str, other: str
) -> None:
    for decided, profile, name in ((1, "leak", device), (2, "leak", other), (3, "__p", device), (4, device, "leak")):
        store.write(profile, name, state(decided), None)
        store.park(f"{name}", "leak", "unknown_sensor")
    assert store.read("leak", device)[0].outcomes["decided"] == 1
    assert store.read("leak", other)[0].outcomes["decided"] == 2
    assert store.read("__p", device)[0].outcomes["decided"] == 3
    assert store.read(device, "leak")[0].outcomes["decided"] == 4
    assert store.totals().devices == 4
    assert store.totals().parked_messages == 3


def test_a_state_of_60_sensors_comes_back_whole(store: WindowStore) -> None:
    values = np.random.default_rng(1).normal(size=(1_400, 60))
    written = replace(state(), slots=np.arange(1_400), values=values)
    assert len(written.encode()) > 900_000
    store.write("leak", "d-1", written, None)
    found, revision = store.read("leak", "d-1")
    np.testing.assert_array_equal(found.values, values)
    store.write("leak", "d-1", replace(found, values=-values), revision)
    np.testing.assert_array_equal(store.read("leak", "d-1")[0].values, -values)


def test_what_was_written_is_there_when_the_store_is_opened_again(open_store: Callable[[], WindowStore]) -> None:
    first = open_store()
    first.write("leak", "d-1", state(1), None)
    first.park("m-1", "leak", "unknown_sensor")
    first.close()
    second = open_store()
    found, revision = second.read("leak", "d-1")
    assert found.outcomes["decided"] == 1
    assert second.totals().parked == {"unknown_sensor": 1}
    second.write("leak", "d-1", state(2), revision)
    # closing lets go of connections only
    assert first.read("leak", "d-1")[0].outcomes["decided"] == 2


def test_of_two_instances_that_read_the_same_only_one_writes(open_store: Callable[[], WindowStore]) -> None:
    first, second = open_store(), open_store()
    first.write("leak", "d-1", state(1), None)
    (_, mine), (_, yours) = first.read("leak", "d-1"), second.read("leak", "d-1")
    assert mine == yours
    second.write("leak", "d-1", state(2), yours)
    with pytest.raises(ConflictError):
        first.write("leak", "d-1", state(3), mine)
    assert first.read("leak", "d-1")[0].outcomes["decided"] == 2


def test_a_parked_message_counts_once_however_often_it_comes(store: WindowStore) -> None:
    for _ in range(3):
        store.park("m-1", "leak", "unknown_sensor")
    assert store.totals().parked == {"unknown_sensor": 1}


def test_due_are_those_whose_time_has_come_however_many_there_are(store: WindowStore) -> None:
    for i in range(40):
        store.write("leak", f"d-{i}", state(due_at=1_000 + i), None)
    store.write("leak", "never", state(due_at=None), None)
    store.write("fraud", "d-0", state(due_at=1_005), None)
    assert store.due(999, 10) == []
    assert sorted(store.due(1_002, 10)) == [("leak", "d-0"), ("leak", "d-1"), ("leak", "d-2")]
    assert set(store.due(10**9, 100)) == {("leak", f"d-{i}") for i in range(40)} | {("fraud", "d-0")}
    assert len(set(store.due(10**9, 7))) == 7


def test_a_device_is_due_when_its_last_state_says_so(store: WindowStore) -> None:
    store.write("leak", "d-1", state(due_at=1_000), None)
    for due_at, found in ((2_000, []), (1_500, [("leak", "d-1")]), (None, [])):
        store.write("leak", "d-1", state(due_at=due_at), store.read("leak", "d-1")[1])
        assert store.due(1_600, 10) == found


@pytest.mark.parametrize("kind", ["calibrations", "quiet", "sweeps"])
def test_a_document_beside_the_state_is_written_by_whoever_read_its_latest_version(
    store: WindowStore, kind: Kind
) -> None:
    assert store.read_aside(kind, "leak", "d-1") == (None, None)
    store.write_aside(kind, "leak", "d-1", b"\x00one", None)
    with pytest.raises(ConflictError, match="leak/d-1"):
        store.write_aside(kind, "leak", "d-1", b"other", None)
    data, first = store.read_aside(kind, "leak", "d-1")
    assert data == b"\x00one"
    store.write_aside(kind, "leak", "d-1", b"two", first)
    with pytest.raises(ConflictError, match="leak/d-1"):
        store.write_aside(kind, "leak", "d-1", b"other", first)
    assert store.read_aside(kind, "leak", "d-1")[0] == b"two"
    assert store.read_aside(kind, "fraud", "d-1") == (None, None)
    assert store.read("leak", "d-1")[1] is None
    assert store.totals().devices == 0


def test_kinds_of_documents_are_kept_apart(store: WindowStore) -> None:
    store.write_aside("calibrations", "leak", "d-1", b"one", None)
    store.write_aside("quiet", "leak", "d-1", b"two", None)
    assert store.read_aside("calibrations", "leak", "d-1")[0] == b"one"


def test_a_document_of_half_a_mebibyte_comes_back_whole(open_store: Callable[[], WindowStore]) -> None:
    data = np.random.default_rng(1).bytes(700_000)
    open_store().write_aside("quiet", "leak", "d-1", data, None)
    assert open_store().read_aside("quiet", "leak", "d-1")[0] == data
