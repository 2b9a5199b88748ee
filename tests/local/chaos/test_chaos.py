"""`make chaos`, in short."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from local.chaos import __main__ as chaos


def test_kills_and_outages_change_no_decision(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kind = "official" if os.environ.get("AIOT_REQUIRE_EMULATOR") == "1" else "auto"
    report = tmp_path / "chaos.json"
    size = ["--devices", "4", "--readings", "1600", "--disruptions", "6"]
    status = chaos.main([*size, "--pubsub", kind, "--report", str(report), "--folder", str(tmp_path / "run")])
    told = capfd.readouterr().out
    assert status == 0, told
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["holds"] is True
    assert found["kills"] == 5
    assert found["outages"] == 3
    assert found["restarts"] >= 5
    assert found["decisions"] > 500
    assert found["calibrated"] == 2
    assert sum(found["outcomes"].values()) == found["sent"]["rows"]
    assert all(found["outcomes"].values()), "each outcome came"
    assert found["sent"]["poison messages"] > 0
    assert "nothing lost, doubled or changed" in told
