"""Measures the stream beside its peers: python -m benchmarks.stream [--quick] [--strict] [--write]."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from aiot_anomaly import paths
from aiot_anomaly.errors import AIoTError
from benchmarks import goal
from benchmarks.stream import sizes, system, tables
from benchmarks.stream.errors import BenchmarkError
from benchmarks.stream.goals import goals
from benchmarks.stream.measure import measure
from benchmarks.stream.results import Results
from local import interrupt, stack

REPORT = paths.root() / "reports" / "stream.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Prints every figure and each goal; 1 where it cannot measure, or with --strict where a goal is missed."""
    given = _parser().parse_args(argv)
    interrupt.also_on_sigterm()
    try:
        found = _read(given.report) if given.reprint else _measured(given)
        if given.write:
            tables.write(found, paths.root())
    except KeyboardInterrupt:
        return interrupt.INTERRUPTED
    except AIoTError as e:
        sys.stderr.write(f"bench-stream: {e}\n")
        return 1
    print(tables.document(found))
    print(goal.summary(goals(found), given.report))
    return 1 if given.strict and not all(g.met for g in goals(found)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.stream", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute of it: whether it works, not how fast it is")
    parser.add_argument(
        "--report", type=Path, default=REPORT, metavar="FILE", help="where the figures go (%(default)s)"
    )
    folder = paths.root() / ".local" / "bench-stream"
    parser.add_argument("--folder", type=Path, default=folder, help="for logs and stores; emptied first (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put them into docs/stream.md and the READMEs, too")
    parser.add_argument("--reprint", action="store_true", help="measure nothing: show the last run's")
    parser.add_argument("--strict", action="store_true", help="return 1 where a goal is missed")
    return parser


def _read(report: Path) -> Results:
    try:
        return Results.model_validate_json(report.read_bytes())
    except FileNotFoundError:
        raise BenchmarkError(f"no {report}: measure first, with {tables.COMMAND}") from None
    except ValidationError as e:
        raise BenchmarkError(f"{report} is of another release ({e.error_count()} faults): measure again") from None


def _measured(given: argparse.Namespace) -> Results:
    begin = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begin:5.0f} s  {text}\n")

    with stack.alone(given.folder):
        shutil.rmtree(given.folder, ignore_errors=True)
        given.folder.mkdir(parents=True)
        say("starting Pub/Sub, Firestore and the API")
        with system.running(given.folder) as parts:
            found = measure(parts, sizes.QUICK if given.quick else sizes.FULL, say)
        # a store of 100,000 devices takes more than a gigabyte
        for store in given.folder.glob("*.db*"):
            store.unlink()
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return found


if __name__ == "__main__":
    sys.exit(main())
