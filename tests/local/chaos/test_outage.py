from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from functions.errors import StoreUnavailableError
from functions.sqlite_store import SqliteStore
from local.chaos import outage
from local.process import Process
from local.stack import free_port
from tests.functions.states import state


def test_a_locked_store_cannot_be_written_to_or_read_and_is_whole_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "stream.db"
    store = SqliteStore(path, timeout_s=0.05, environ={})
    store.write("tiny", "d-1", state(1), None)
    with outage.locked(path, reads=False):
        assert store.read("tiny", "d-1")[0].outcomes["decided"] == 1
        with pytest.raises(StoreUnavailableError, match="locked"):
            store.write("tiny", "d-2", state(1), None)
    with ThreadPoolExecutor(1) as pool:
        with outage.locked(path, reads=True):
            read = pool.submit(store.read, "tiny", "d-1")
            with pytest.raises(TimeoutError):
                read.result(timeout=0.3)
        assert read.result(timeout=5)[0].outcomes["decided"] == 1
    store.write("tiny", "d-2", state(2), None)
    assert store.totals().outcomes["decided"] == 3
    store.close()


def test_a_frozen_server_answers_when_it_thaws(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port := free_port())]
    server = Process("server", command, cwd=tmp_path, log=tmp_path / "log")
    url = f"http://127.0.0.1:{port}"
    try:
        server.wait_ready(url)
        with outage.frozen(server), pytest.raises(httpx.ReadTimeout):
            httpx.get(url, timeout=0.3)
        assert httpx.get(url, timeout=10).is_success
    finally:
        server.stop()
