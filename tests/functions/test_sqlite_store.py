"""What is SQLite's own: processes on one file, locks, and where it may not be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from aiot_anomaly.messages import OUTCOMES
from functions.errors import SettingsError, StoreUnavailableError
from functions.sqlite_store import SqliteStore
from tests.functions.states import FIRST_FORMAT, state


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
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


def test_while_it_is_locked_it_is_unavailable_for_writers_only(tmp_path: Path) -> None:
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


def test_it_refuses_to_start_on_cloud_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="STORE=firestore:<database>"):
        SqliteStore(tmp_path / "stream.db", environ={"K_SERVICE": "function"})
    assert not (tmp_path / "stream.db").exists()


def test_it_refuses_a_file_of_another_format(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "stream.db") as other:
        other.execute("PRAGMA user_version = 7")
    other.close()
    with pytest.raises(SettingsError, match="format 7, this release reads up to 2"):
        SqliteStore(tmp_path / "stream.db", environ={})


def test_a_file_of_the_first_format_keeps_its_devices_which_are_due_at_once(tmp_path: Path) -> None:
    path = tmp_path / "stream.db"
    with sqlite3.connect(path) as before:
        counts = ", ".join(f"{c} INTEGER NOT NULL" for c in (*OUTCOMES, "pending"))
        before.execute(
            "CREATE TABLE devices (profile TEXT NOT NULL, device TEXT NOT NULL, revision INTEGER NOT NULL, "
            f"{counts}, state BLOB NOT NULL, PRIMARY KEY (profile, device))"
        )
        before.execute("INSERT INTO devices VALUES ('leak', 'd-1', 4, 9, 0, 0, 1, 0, 1, ?)", (FIRST_FORMAT,))
        before.execute("PRAGMA user_version = 1")
    before.close()
    for _ in range(2):  # and opening it again changes nothing
        store = SqliteStore(path, environ={})
        assert store.due(0, 10) == [("leak", "d-1")]
        assert store.totals().outcomes["decided"] == 9
        found, revision = store.read("leak", "d-1")
        assert found.tracker.opened_at == 600
        store.close()
    store.write("leak", "d-1", found, revision)
    assert store.due(10**12, 10) == []
    store.close()


def test_processes_that_bring_a_file_up_at_once_do_it_once(tmp_path: Path) -> None:
    path = tmp_path / "stream.db"
    script = (
        "import sys; from pathlib import Path; from functions.sqlite_store import SqliteStore\n"
        "print(SqliteStore(Path(sys.argv[1]), timeout_s=30).totals().devices)"
    )
    root = Path(__file__).resolve().parents[2]
    started = [subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=root) for _ in range(3)]
    assert [p.wait(60) for p in started] == [0, 0, 0]
