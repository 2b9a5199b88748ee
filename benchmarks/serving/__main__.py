"""Measures the API beside its peers: python -m benchmarks.serving [--seconds S] [--rounds N] [--strict] [--write]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from aiot_anomaly.errors import AIoTError
from benchmarks import goal
from benchmarks.serving import cores, machine, measure, results, tables, work
from benchmarks.serving.contenders import PEERS, PEERS_OF_ALL, ROOT, Api, Bare
from benchmarks.serving.errors import BenchmarkError
from benchmarks.serving.goals import goals
from benchmarks.serving.measure import Plan
from benchmarks.serving.results import Results
from benchmarks.serving.subjects import Subject

REPORT = ROOT / "reports" / "serving.json"
#: measured with all peers; the others beside the bare route only
FULL = ("leak", work.REFERENCE)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints every figure and each goal; returns 1 where it cannot measure, or with --strict where one is missed."""
    given = _parser().parse_args(argv)
    try:
        found = results.read(given.report) if given.reprint else _measured(given)
        if given.write:
            tables.write(found, ROOT)
    except AIoTError as e:
        sys.stderr.write(f"bench-serving: {e}\n")
        return 1
    print(tables.document(found))
    print(goal.summary(goals(found), given.report))
    return 1 if given.strict and not all(g.met for g in goals(found)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, metavar="S", help="of one measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each measurement (%(default)s)")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="only these of the bundles and `reference`")
    names = [p.name for p in PEERS_OF_ALL]
    parser.add_argument(
        "--peers", nargs="*", choices=names, default=names, metavar="NAME", help="only these: %(choices)s"
    )
    parser.add_argument(
        "--report", type=Path, default=REPORT, metavar="FILE", help="where the figures go (%(default)s)"
    )
    parser.add_argument("--write", action="store_true", help="put them into docs/serving.md and the READMEs, too")
    parser.add_argument("--reprint", action="store_true", help="measure nothing: show the last run's")
    parser.add_argument("--strict", action="store_true", help="return 1 where a goal is missed")
    return parser


def _measured(given: argparse.Namespace) -> Results:
    if given.seconds <= 0 or given.rounds < 1:
        raise BenchmarkError("expected some seconds and one round at least")
    if given.peers and not PEERS.is_dir():
        raise BenchmarkError(f"no {PEERS}: set the peers' environment up, with make bench-serving")
    plan = Plan(given.seconds, given.rounds, cores.two(), work.FOLDER / "logs")
    subjects = work.prepared(given.models)
    peers = [p for p in PEERS_OF_ALL if p.name in given.peers]
    chosen = {s: peers if s.name in FULL else [p for p in peers if isinstance(p, Bare)] for s in subjects}
    with tqdm(total=1 + len(peers) + measure.steps(chosen, plan), desc="serving", unit="step") as bar:

        def tell(what: str) -> None:
            bar.set_postfix_str(what)
            bar.update()

        limit = machine.generator(plan.cores)
        measure.compile_modules([_api(subjects[0]), *peers], subjects[0], plan, tell)
        models = [measure.measured(_api(subject), subject, chosen[subject], plan, tell) for subject in subjects]
    found = Results(**machine.description(), seconds=plan.seconds, rounds=plan.rounds, generator=limit, models=models)
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return found


def _api(subject: Subject) -> Api:
    return Api(work.models_beside(subject))


if __name__ == "__main__":
    sys.exit(main())
