"""The command, from the start of the servers to the report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serving import results
from benchmarks.serving.contenders import PEERS, ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.serving", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_api_is_measured(tmp_path: Path) -> None:
    report = tmp_path / "serving.json"
    peers = ["bare"] if PEERS.is_dir() else []
    told = run("--seconds", "0.1", "--rounds", "1", "--models", "skab", "--peers", *peers, "--report", str(report))
    assert told.returncode == 0, told.stderr
    (model,) = results.read(report).models
    assert model.name == "skab"
    assert [s.name for s in model.servers] == ["api", *peers]
    api = model.api
    assert api.score_error <= 1e-3
    assert api.ready_s > 0
    assert 20 < api.memory_mib < 1_000
    assert api.at_60 is not None
    assert api.at_60.failed == {}
    assert api.batch is not None
    assert api.batch.windows_s == pytest.approx(256 * api.batch.rate)
    assert api.batch.rate > 0
    assert [o.times for o in api.overload] == [2.0, 5.0]
    assert all(load.rate > 0 and load.failed == {} for load in api.closed.values())
    assert model.kernel.single_windows_s > 0
    assert 0 < model.kernel.batch_share < 2
    assert 0 < model.kernel.json_share < 2
    for peer in model.servers[1:]:
        assert peer.ahead[16] == pytest.approx(api.closed[16].rate / peer.closed[16].rate)
    assert "goals met" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--models", "pump"], "no bundle 'pump', expected one of: leak, reference"),
        (["--seconds", "0"], "expected some seconds"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: list[str], said: str) -> None:
    told = run(*arguments, "--peers")
    assert told.returncode == 1
    assert told.stderr.startswith("bench-serving: ")
    assert said in told.stderr
