"""The demo, as `make demo` runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def demo(report: Path, *, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "local", "demo", "--pubsub", "embedded", "--report", str(report)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_over(mark: str) -> list[str]:
    """Command lines of the processes that were started, by whomever, with `mark` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "160"}


def test_it_accounts_for_every_row_and_writes_its_report(tmp_path: Path, environment: dict[str, str]) -> None:
    if not environment.get("AIOT_DATA_DIR"):
        assert environment.get("AIOT_REQUIRE_DATA") != "1", "AIOT_DATA_DIR must name the data here"
    report = tmp_path / "demo.html"
    process = demo(report, environment=environment)
    told, _ = process.communicate(timeout=280)
    assert process.returncode == 0, told
    rows, outcomes = re.search(r"✓ ([\d,]+) rows published = ([\d,]+) outcomes", told).groups()
    assert rows == outcomes
    assert "dma-01" in told
    html = report.read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") >= 2
    assert "leak of 12 %" in html
    if environment.get("AIOT_DATA_DIR"):
        assert "skab-valve1-6" in told
        assert re.search(r"p50 \d+ ms, p95 \d+ ms, p99 \d+ ms", told)


def test_without_any_real_recording_it_says_so_and_goes_on(tmp_path: Path, environment: dict[str, str]) -> None:
    report = tmp_path / "demo.html"
    process = demo(report, environment={**environment, "AIOT_DATA_DIR": str(tmp_path)})
    told, _ = process.communicate(timeout=280)
    assert process.returncode == 0, told
    assert "no real recording" in told
    assert "rows published" in told


def test_ctrl_c_stops_everything_that_it_started(tmp_path: Path, environment: dict[str, str]) -> None:
    mark = f"AIOT_TEST_MARK={uuid.uuid4().hex}"
    process = demo(tmp_path / "demo.html", environment={**environment, "AIOT_TEST_MARK": mark.split("=")[1]})
    told = ""
    assert process.stdout is not None
    while "publishing" not in told:
        line = process.stdout.readline()
        assert line, told
        told += line
    parts = " ".join(left_over(mark))
    assert all(name in parts for name in ("-m serving", "-m functions_framework", "-m local.pubsub"))
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130, told + rest
    time.sleep(0.2)
    assert not left_over(mark)
