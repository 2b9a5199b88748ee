from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from importlib.abc import MetaPathFinder
from importlib.resources import files
from pathlib import Path

import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.messages import parse_readings
from simulator import __main__ as start
from simulator.cli import main
from simulator.options import parser

REPOSITORY = Path(__file__).resolve().parents[2]
METERS = "time,meter,{},odd\n".format(",".join(profile_store.load("leak").sensor_names)) + "".join(
    f"2026-01-01T0{h}:00:00Z,m1,1,2,3,4,5,6,{int(h == 2)}\n" for h in range(5)
)


def simulator(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *args]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def test_help_explains_itself_with_examples() -> None:
    done = simulator("--help")
    assert done.returncode == 0
    for example in ("water --districts 5", "meters --meters 200", "replay skab:valve1/6"):
        assert f"python -m simulator {example}" in done.stdout


@pytest.mark.parametrize("command", ["water", "meters", "replay"])
def test_a_command_has_its_own_examples_and_each_can_be_parsed(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    _, _, examples = capsys.readouterr().out.partition("examples:\n")
    lines = [line for line in examples.replace("\\\n", " ").splitlines() if "python -m simulator" in line]
    assert len(lines) > 1
    for line in lines:
        args = parser().parse_args(shlex.split(line.partition("python -m simulator ")[2]))
        assert args.command == command


def test_a_fleet_is_written_as_files_that_the_library_reads(tmp_path: Path) -> None:
    asked = ["water", "--districts", "2", "--days", "3", "--leak", "dma-01:8%:-1d:1", "--sink", "csv", "--quiet"]
    done = simulator(*asked, "--out", str(tmp_path / "fleet"), "--summary", str(tmp_path / "summary.json"))
    assert done.returncode == 0, done.stderr
    assert "576 rows of 2 devices" in done.stderr
    fleet = fleet_files.read(tmp_path / "fleet", profile_store.load("leak"))
    assert [r.device_id for r in fleet.recordings] == ["dma-01", "dma-02"]
    assert [None if r.labels is None else int(r.labels.sum()) for r in fleet.recordings] == [96, 0]
    assert fleet.truth[0].size == 0.08
    assert max(int(r.timestamps[-1]) for r in fleet.recordings) < time.time()
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["rows_published"] == 576


def test_ones_own_table_is_replayed_and_its_labels_go_to_the_truth_only(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "meters.csv").write_text(METERS, encoding="utf-8")
    table = ["--profile", "leak", "--timestamp-column", "time", "--device-column", "meter", "--label-column", "odd"]
    truth = tmp_path / "truth.csv"
    assert (
        main(["replay", str(tmp_path / "meters.csv"), *table, "--batch", "3", "--limit", "4", "--truth", str(truth)])
        == 0
    )
    out = capfdbinary.readouterr().out
    assert [len(parse_readings(line).readings) for line in out.splitlines()] == [3, 1]
    assert b"odd" not in out
    (event,) = fleet_files.read_truth(truth)
    assert (event.device_id, event.kind, event.end - event.start) == ("m1", "labelled", 900)


def test_a_profile_says_how_its_recording_is_laid_out_unless_an_option_does(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "meters.csv").write_text(METERS.replace(",", ";"), encoding="utf-8")
    section = '\nrecording: {timestamp: time, device: meter, label: odd, separator: ";"}\n'
    text = Path(str(files("aiot_anomaly") / "profiles" / "leak.yaml")).read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(text + section, encoding="utf-8")
    truth = tmp_path / "truth.csv"
    asked = ["replay", str(tmp_path / "meters.csv"), "--profile", str(tmp_path / "own.yaml"), "--truth", str(truth)]
    assert main([*asked, "--batch", "5"]) == 0
    batch = parse_readings(capfdbinary.readouterr().out.splitlines()[0])
    assert (batch.device_id, len(batch.readings)) == ("m1", 5)
    assert [t.kind for t in fleet_files.read_truth(truth)] == ["labelled"]
    assert main([*asked, "--separator", ";"]) == 1
    assert "lacks the columns ['timestamp']" in capfdbinary.readouterr().err.decode()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("water --sink csv", "--sink csv needs --out FOLDER"),
        ("water --sink pubsub --project=", "needs --project"),
        ("water --sink csv --out x --poison 1", "are about messages"),
        ("water --sink parquet --out x --late 0.1:2h", "are about messages"),
        ("water --sink parquet", "--sink parquet needs --out FOLDER"),
        ("water --late often", "--late often; expected a rate and a duration"),
        ("water --corrupt 2", "corrupt: 2 is no share"),
        ("water --speed -1", "nothing negative"),
        ("water --jobs 0", "--jobs 0; expected 1 to 1000"),
        ("water --seed -1", "--seed -1; expected 0 or more"),
        ("water --gaps 1e9:1h", "gaps: 1e+09 a day; expected 0 to 1440"),
        ("water --poison 1000000000000", "poison up to 1000000"),
        (
            "water --districts 0",
            "--districts 0; expected how many, such as 20, or which, such as 41-50, from 1 to 100000",
        ),
        ("water --districts 1000000000000", "from 1 to 100000"),
        ("water --districts 1-99999999999", "from 1 to 100000"),
        ("water --districts 50-41", "--districts 50-41; expected"),
        ("meters --meters 100001", "--meters 100001; expected how many"),
        ("meters --skew 1:999999999999999999d", "expected 7305d at most"),
        ("water --start=-99999999999999d", "expected one from 1970-01-11T00:00:00Z"),
        ("water --end 9999-12-31", "to before 2200-01-01T00:00:00Z"),
        ("water --start 2026-01-02 --end 2026-01-01", "range from 2026-01-02T00:00:00Z to 2026-01-01T00:00:00Z"),
        ("water --days 0.001", "no reading falls into the range"),
        ("meters --days 0.001", "there is one every 3600 s"),
        ("water --random-leaks -1", "--random-leaks -1; expected 0 to 1000"),
        ("water --random-leaks 1 --quiet-days -5", "--quiet-days -5.0; expected 0 to 7305"),
        ("meters --random-fraud 1 --quiet-days -5", "--quiet-days -5; expected 0 to 7305"),
        ("water --random-leaks 1 --leak-days nan", "--leak-days nan; expected 0 to 7305"),
        ("water --leak dma-01:8%:-5d:9999999", "1e+07 days; expected 0 to 7305"),
        ("water --leak dma-01:8%:-5d:1.2.3", "1.2.3 is no number of days"),
        ("water --leak dma-01:8%:-5d:0", "an end after the start"),
        ("water --event flushing:dma-01:8%:-5d:99999999", "expected 0 to 7305"),
        ("water --fault stuck:dma-01/inflow_lps:-5d:99999999", "expected 0 to 7305"),
        ("meters --fraud meter-0001:h1:-5d:99999999999999999999", "expected 0 to 7305"),
        ("meters --random-fraud 1 --fraud-types=", "1 random frauds of no type; expected some of h1"),
        ("water --start= --days 1", "time ''; expected ISO 8601"),
        (
            "replay nothing.csv --profile leak --interval 99999999999999999999",
            "--interval 99999999999999999999; expected",
        ),
        ("replay nothing.csv --profile leak --limit -1", "--limit -1; expected 1 or more"),
        ("water --districts many", "--districts many"),
        ("water --start=-3d --days 3", "give one of them"),
        ("water --leak dma-01:8", "expected DEVICE"),
        ("water --leak-sizes big --random-leaks 1", "--leak-sizes big"),
        ("water --end tomorrow", "expected ISO 8601"),
        ("replay nothing.csv --profile leak", "no file nothing.csv"),
        ("replay nothing.csv --profile leak --separator ;;", "--separator ;;; expected one character"),
        ("meters --base nothing.csv --separator=", "expected one character"),
        ("replay skab:valve9/6", "no recording 'valve9/6'; SKAB has anomaly-free/anomaly-free, other/1, "),
        ("replay nothing.csv", "--profile is needed"),
        ("replay nothing.csv --profile leak --rename flow", "expected COLUMN=SENSOR"),
        ("replay nothing.csv --profile none", "no profile 'none'"),
    ],
)
def test_a_mistake_is_answered_with_one_line(asked: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked.split()) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
    # times as people write them
    assert not re.search(r"\b1\d{9}\b", error)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_it_with_a_summary(told: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "meters.csv").write_text(METERS, encoding="utf-8")
    table = f"replay {tmp_path / 'meters.csv'} --profile leak --timestamp-column time --rate 2".split()
    command = [sys.executable, "-m", "simulator", *table, "--summary", str(tmp_path / "s.json"), "--sink", "jsonl"]
    command += ["--out", str(tmp_path / "out.jsonl")]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "out.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, told)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error.startswith("interrupted: ")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["interrupted"] is True


def test_ctrl_c_of_a_terminal_stops_all_processes_without_a_word_of_theirs(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    fleet = f"water --districts 3 --days 120 --jobs 2 --quiet --rate 1 --sink jsonl --out {out}"
    command = [sys.executable, "-m", "simulator", *fleet.split(), "--summary", str(tmp_path / "s.json")]
    temporary = Path(tempfile.mkdtemp())  # not below tmp_path: a fork server's socket needs a short path
    environment = {**os.environ, "TMPDIR": str(temporary)}
    # a process group of its own, all of which a terminal would tell
    with subprocess.Popen(
        command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 100
        while not list(temporary.glob("aiot-epanet-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert error.startswith("interrupted: ")
    assert error.count("\n") == 1
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["interrupted"] is True
    assert list(temporary.iterdir()) == []
    temporary.rmdir()


@pytest.mark.parametrize(
    "asked", ["--batch 0", "--speed -1", "--rate nan", "--duplicates 1.5", "--poison -1", "--late often", "--corrupt 2"]
)
def test_numbers_of_messages_are_refused_before_anything_is_simulated(
    asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in ("water.stream", "meter_command.simulated", "replay.load"):
        monkeypatch.setattr(f"simulator.cli.{source}", lambda *_, **__: pytest.fail("it was simulated"))
    for command in ("water", "meters", "replay skab:valve1/6"):
        assert main([*command.split(), *asked.split()]) == 1
        assert "expected" in capsys.readouterr().err


def test_a_skab_recording_is_replayed_at_its_original_times(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    if not os.environ.get("AIOT_DATA_DIR"):
        stop = pytest.fail if os.environ.get("AIOT_REQUIRE_DATA") == "1" else pytest.skip
        stop("replays the real SKAB: set AIOT_DATA_DIR to a folder with skab/data")
    assert main(["replay", "skab:valve1/6", "--batch", "10", "--limit", "25"]) == 0
    first, *_ = capfdbinary.readouterr().out.splitlines()
    batch = parse_readings(first)
    assert batch.device_id == "skab-valve1-6"
    assert batch.readings[0].timestamp.isoformat() == "2020-03-09T12:14:36+00:00"


def test_parquet_holds_what_csv_holds(tmp_path: Path) -> None:
    (tmp_path / "meters.csv").write_text(METERS, encoding="utf-8")
    table = ["--profile", "leak", "--timestamp-column", "time", "--device-column", "meter", "--label-column", "odd"]
    for sink in ("csv", "parquet"):
        asked = ["replay", str(tmp_path / "meters.csv"), *table, "--sink", sink, "--out", str(tmp_path / sink)]
        assert main([*asked, "--devices", "2"]) == 0
    left, right = (fleet_files.read(tmp_path / sink, profile_store.load("leak")) for sink in ("csv", "parquet"))
    assert [r.device_id for r in left.recordings] == [r.device_id for r in right.recordings] == ["m1-1", "m1-2"]
    assert left.truth == right.truth
    assert [r.values.tolist() for r in left.recordings] == [r.values.tolist() for r in right.recordings]
    assert [r.timestamps.tolist() for r in left.recordings] == [r.timestamps.tolist() for r in right.recordings]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("--sink jsonl --out /dev/full", "simulator: /dev/full: No space left on device"),
        ("--sink jsonl --out {folder}", "simulator: {folder}: Is a directory"),
        ("--sink csv --out {file}", "simulator: {file}: File exists"),
        ("--sink parquet --out {file}/x", "simulator: {file}/x: Not a directory"),
        ("--truth {file}/truth.csv", "simulator: {file}: File exists"),
        ("--truth /dev/null", "--truth /dev/null is no file"),
        ("--summary {folder}", "--summary {folder} is no file"),
        ("--summary {file}/x/y", "simulator: {file}/x: Not a directory"),
        ("--summary /dev/full", "simulator: /dev/full: No space left on device"),
    ],
)
def test_what_cannot_be_written_is_named_in_one_line(
    asked: str, expected: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    names = {"folder": tmp_path, "file": tmp_path / "file"}
    assert main(["meters", "--days", "1", "--quiet", *asked.format(**names).split()]) == 1
    out, error = capfdbinary.readouterr()
    assert expected.format(**names) in error.decode()
    if asked != "--summary /dev/full":  # known before anything is sent
        assert out == b""
        assert error.count(b"\n") == 1


@pytest.mark.parametrize("days", ["1", "30"])  # less and more than a buffer holds
def test_standard_output_that_is_full_or_closed_needs_one_line_at_most(
    days: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> int:
        status = main(["meters", "--days", days, "--quiet"])
        sys.stdout.close()  # as the interpreter does at its end
        return status

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(io.FileIO("/dev/full", "w"))))
    assert run() == 1
    assert capsys.readouterr().err == "simulator: standard output: No space left on device\n"
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(io.FileIO(write, "w"))))
    assert run() == 141
    assert capsys.readouterr().err == ""


class Interrupting(MetaPathFinder):
    """Ctrl-C while a module is imported."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "simulator.cli":
            raise KeyboardInterrupt


def test_ctrl_c_while_it_starts_ends_it_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "simulator.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert start.run() == 130
        # of a supervisor, alike
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == "interrupted\n"
