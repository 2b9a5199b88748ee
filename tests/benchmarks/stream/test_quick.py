"""The benchmark itself, in short: every part is measured, whatever the figures are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.stream import __main__ as command
from benchmarks.stream.results import BARE, SKELETON, SQLITE, Results


def test_everything_is_measured_and_can_be_shown_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "stream.json"
    options = ["--report", str(report), "--folder", str(tmp_path / "run")]
    assert command.main(["--quick", *options]) == 0
    found = Results.model_validate_json(report.read_bytes())
    assert {BARE, SKELETON, SQLITE} <= found.single.keys()
    assert all(r.messages_per_s > 0 and r.refused == 0 for r in (*found.single.values(), *found.fifty.values()))
    assert {s.name for s in found.steps[SQLITE]} >= {"decode", "read", "preprocess", "API", "publish", "write", "rest"}
    assert all(s.wall_ms > 0 for s in found.steps[SQLITE])
    assert [s.devices for s in found.grown] == [10, 200]
    told = capfd.readouterr().out
    assert command.main(["--reprint", *options]) == 0
    assert capfd.readouterr().out == told
    assert not list((tmp_path / "run").glob("*.db"))


def test_without_a_report_there_is_nothing_to_show(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--reprint", "--report", str(tmp_path / "none.json")]) == 1
    assert "make bench-stream" in capfd.readouterr().err
