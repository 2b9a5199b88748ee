from __future__ import annotations

import pytest

from simulator import hydraulics_benchmark
from simulator.hydraulics_benchmark import Run


def test_the_promise_is_projected_from_what_a_week_costs_and_what_starting_costs() -> None:
    # 4 s to start, and half a second for each district and week
    text = hydraulics_benchmark.report("net3", 6, 2, Run(24, 16.0, 20.0, 180.0), Run(48, 28.0, 40.0, 181.0))
    assert "2.00 districts x weeks/s once started" in text
    assert f"100 districts x 8 weeks: {(4 + 400) / 60:.1f} minutes" in text
    assert "peak   180 MiB" in text
    assert "peak   181 MiB" in text


def test_a_run_that_was_not_longer_is_no_rate() -> None:
    text = hydraulics_benchmark.report("net3", 1, 1, Run(1, 5.0, 5.0, 90.0), Run(2, 5.0, 5.0, 90.0))
    assert "too short to tell the rate" in text
    assert "minutes" not in text


def test_the_command_line_is_what_is_measured() -> None:
    run = hydraulics_benchmark.measured("net3", 1, 1, 1)
    assert run.district_weeks == 1
    assert run.cpu_s > 0
    assert run.wall_s > 0
    assert 50 < run.peak_mib < 2000


def test_nothing_to_measure_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert hydraulics_benchmark.main(["--districts", "0"]) == 1
    assert "expected one district" in capsys.readouterr().err
