from __future__ import annotations

import re

import pytest

from simulator import benchmark


def test_both_rates_and_their_ratio_are_printed_and_a_ratio_below_the_least_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    # nothing is a hundred times as fast as the loop that it contains
    assert benchmark.main(["--messages", "200", "--rounds", "1", "--least", "100"]) == 1
    line = r"^(bare publisher loop|simulator) +(\d+) messages/s +(\d+) µs CPU a message$"
    out = capsys.readouterr().out
    found = re.findall(line, out, re.MULTILINE)
    assert [name for name, rate, cpu in found if int(rate) > 0 and int(cpu) > 0] == ["bare publisher loop", "simulator"]
    (ratio,) = re.findall(r"^ratio of the rates +(\d+\.\d\d)$", out, re.MULTILINE)
    assert float(ratio) == pytest.approx(int(found[1][1]) / int(found[0][1]), abs=0.02)


def test_too_few_messages_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--messages", "3"]) == 1
    assert "expected 20 messages" in capsys.readouterr().err
