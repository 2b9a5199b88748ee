"""The contract of a store, for each implementation."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.messages import OUTCOMES
from aiot_anomaly.stream import DeviceState
from functions.errors import ConflictError, SettingsError, StoreUnavailableError
from functions.sqlite_store import SqliteStore
from functions.store import WindowStore


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WindowStore]:
    stores = {"sqlite": lambda: SqliteStore(tmp_path / "new" / "stream.db", timeout_s=20, environ={})}
    store = stores[request.param]()
    yield store
    store.close()


def state(decided: int = 0, *, values: float = 1.0) -> DeviceState:
    return DeviceState(
        slots=np.array([10, 11, 12]),
        values=np.full((3, 2), values),
        first_slot=10,
        watermark=11,
        outcomes={**dict.fromkeys(OUTCOMES, 0), "decided": decided, "late": 1},
        messages=("a", "b"),
        tracker=IncidentTracker((True, False), 600, 1.5, 1),
        model_version="v7",
    )


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
    with pytest.raises(ConflictError):
        store.write("leak", "d-1", state(1), "4")
    assert store.read("leak", "d-1")[1] is None


def test_concurrent_writers_of_one_device_lose_nothing(store: WindowStore) -> None:
    threads, each = 8, 25
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


def test_a_parked_message_counts_once_however_often_it_comes(store: WindowStore) -> None:
    for _ in range(3):
        store.park("m-1", "leak", "unknown_sensor")
    assert store.totals().parked == {"unknown_sensor": 1}


def test_sqlite_keeps_states_over_a_restart_and_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "stream.db"
    script = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from functions.sqlite_store import SqliteStore; from functions.errors import ConflictError\n"
        "store = SqliteStore(Path(sys.argv[1]), timeout_s=30)\n"
        "for _ in range(20):\n"
        "    while True:\n"
        "        state, revision = store.read('leak', 'd-1')\n"
        "        outcomes = {**state.outcomes, 'decided': state.outcomes['decided'] + 1}\n"
        "        try:\n"
        "            store.write('leak', 'd-1', replace(state, outcomes=outcomes), revision); break\n"
        "        except ConflictError: pass\n"
    )
    root = Path(__file__).resolve().parents[2]
    started = [subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=root) for _ in range(3)]
    assert [p.wait(60) for p in started] == [0, 0, 0]
    store = SqliteStore(path, environ={})
    assert store.totals().outcomes["decided"] == 60
    store.close()


def test_sqlite_that_is_locked_is_unavailable_for_now(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "stream.db", timeout_s=0.1, environ={})
    other = sqlite3.connect(tmp_path / "stream.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        store.write("leak", "d-1", state(1), None)
    assert store.read("leak", "d-1")[1] is None  # readers are not held up
    other.execute("ROLLBACK")
    other.close()
    store.write("leak", "d-1", state(1), None)
    store.close()


def test_sqlite_refuses_to_start_on_cloud_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="STORE_ALLOW_SQLITE=1"):
        SqliteStore(tmp_path / "stream.db", environ={"K_SERVICE": "function"})
    assert not (tmp_path / "stream.db").exists()
    SqliteStore(tmp_path / "stream.db", environ={"K_SERVICE": "function", "STORE_ALLOW_SQLITE": "1"}).close()


def test_sqlite_refuses_a_file_of_another_format(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "stream.db") as other:
        other.execute("PRAGMA user_version = 7")
    other.close()
    with pytest.raises(SettingsError, match="format 7"):
        SqliteStore(tmp_path / "stream.db", environ={})


def test_sqlite_may_be_closed_and_used_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "stream.db", environ={})
    store.write("leak", "d-1", state(1), None)
    store.close()
    assert store.read("leak", "d-1")[0].outcomes["decided"] == 1
    store.close()
