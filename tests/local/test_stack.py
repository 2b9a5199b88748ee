"""The stack as a user starts and stops it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local import stack
from local.errors import StackError

ROOT = Path(__file__).resolve().parents[2]


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def up() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "local", "up", "--pubsub", "embedded"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_prints_its_addresses_and_stops_everything(up: subprocess.Popen[str], how: signal.Signals) -> None:
    told = ""
    assert up.stdout is not None
    while "Ctrl-C stops everything" not in told:
        line = up.stdout.readline()
        assert line, told
        told += line
    api, function = re.findall(r"http://[0-9.:]+", told)[:2]
    assert httpx.get(f"{api}/health/ready").is_success
    assert httpx.get(function).is_success
    up.send_signal(how)
    rest, _ = up.communicate(timeout=30)
    assert up.returncode == 130, rest
    for address in (api, function):
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)


def test_leaving_the_block_ends_every_process_group(tmp_path: Path) -> None:
    with stack.running(tmp_path / "stack", kind="embedded") as running:
        groups = [p.pid for p in running.processes]
        assert all(alive(g) for g in groups)
        assert os.environ["PUBSUB_EMULATOR_HOST"] == running.pubsub
    assert not any(alive(g) for g in groups)
    assert os.environ.get("PUBSUB_EMULATOR_HOST") != running.pubsub


def test_an_api_without_bundles_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    stack_ = stack.running(tmp_path / "stack", kind="embedded", models=tmp_path / "none")
    with pytest.raises(StackError, match=r"api ended with status 1[\s\S]*no .*bundle"), stack_:
        pass


def test_a_second_stack_in_the_same_folder_is_refused_and_the_first_runs_on(tmp_path: Path) -> None:
    with stack.running(tmp_path / "stack", kind="embedded") as running:
        second = stack.running(tmp_path / "stack", kind="embedded")
        with pytest.raises(StackError, match="another stack is running"), second:
            pass
        running.check()
        assert running.store.is_file()


def test_a_part_that_dies_is_noticed(tmp_path: Path) -> None:
    with stack.running(tmp_path / "stack", kind="embedded") as running:
        function = running.processes[-1]
        os.killpg(function.pid, signal.SIGKILL)
        give_up = time.monotonic() + 10
        while alive(function.pid) and time.monotonic() < give_up:
            time.sleep(0.05)
            with contextlib.suppress(StackError):
                function.check()
        with pytest.raises(StackError, match="function ended"):
            running.check()
