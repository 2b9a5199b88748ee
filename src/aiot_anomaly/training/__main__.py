"""`python -m aiot_anomaly.training COMMAND`: training, promotion, figures, and the MLflow UI."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from aiot_anomaly import paths, profile_store
from aiot_anomaly.errors import AIoTError, TrainingError


def _parameter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE")
    return name, yaml.safe_load(value)


def _parser() -> argparse.ArgumentParser:
    of_a_profile = argparse.ArgumentParser(add_help=False)
    of_a_profile.add_argument("profile", help=f"one of {', '.join(profile_store.shipped())}, or a YAML file")
    of_a_training = argparse.ArgumentParser(add_help=False)
    of_a_training.add_argument(
        "-p", "--parameter", action="append", default=[], type=_parameter, metavar="NAME=VALUE",
        help="replaces a parameter of notebooks/params/<profile>.yaml; may be given several times",
    )  # fmt: skip
    parser = argparse.ArgumentParser(prog="python -m aiot_anomaly.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train",
        parents=[of_a_profile, of_a_training],
        help="run the notebooks 01 to 04 with Papermill, tracked in MLflow",
    )
    train.add_argument(
        "--data", help="a CSV or Parquet file, a folder with train/ and test/, or skab; default: the parameters' data"
    )
    train.add_argument(
        "--train-until",
        help="of a file: where training ends, a share of the rows or a time; default: as its profile says",
    )
    train.add_argument(
        "--out", type=Path, help="keep bundle, notebooks and plots below this folder, such as a bucket's"
    )
    promote = commands.add_parser(
        "promote", parents=[of_a_profile], help="make a trained model the champion, and write its bundle"
    )
    promote.add_argument("--run", default="", help="the pipeline's MLflow run id; the newest model if not given")
    commands.add_parser(
        "reexport", parents=[of_a_profile], help="make the champion's graph again from its weights: same scores"
    )
    propose = commands.add_parser(
        "propose",
        parents=[of_a_profile, of_a_training],
        help="train, and put a model that beats the champion on a branch",
    )
    propose.add_argument("--run", default="", help="propose this MLflow run's model instead of training one")
    propose.add_argument("--remote", default="origin", help="where the branch is pushed to (default %(default)s)")
    propose.add_argument("--base", default="main", help="the branch that it starts from (default %(default)s)")
    propose.add_argument("--no-push", action="store_true", help="leave the branch here; the remote is not contacted")
    propose.add_argument(
        "--check", help="shell command that must pass in the branch first; default: the bundles' tests"
    )
    benchmark = commands.add_parser(
        "benchmark",
        parents=[of_a_training],
        help="measure the network, the bundle and every baseline, and write docs/results.md",
    )
    benchmark.add_argument("tables", nargs="*", metavar="TABLE", help="skab, leak or fraud; all if none is named")
    benchmark.add_argument("--seeds", type=int, nargs="+", default=[], help="of the networks (default: the table's)")
    benchmark.add_argument(
        "--into", type=Path, help="write below this folder, and leave the repository's documents as they are"
    )
    benchmark.add_argument(
        "--write-only", action="store_true", help="measure nothing: write the documents from the kept results"
    )
    ui = commands.add_parser("ui", help="open the MLflow UI on the local store")
    ui.add_argument("--port", type=int, default=5000)
    return parser


def _tell_workflow(**outputs: object) -> None:
    """Hands values on to the next steps of a GitHub workflow, where this runs in one."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in outputs.items())


# imported in each command: TensorFlow and MLflow take seconds that --help and a typing error should not cost
def _train(options: argparse.Namespace) -> None:
    from aiot_anomaly.training import keeping, pipeline  # noqa: PLC0415

    parameters = dict(options.parameter)
    if options.data:
        parameters["data"] = _below_root(options.data)
    if options.train_until:
        parameters["train_until"] = options.train_until
    if options.out:
        run, folder = keeping.train(options.profile, parameters, options.out)
        print(f"kept in {folder}")
    else:
        run = pipeline.run(options.profile, parameters)
        workspace = pipeline.kept_in(profile_store.load(options.profile).name, run) / "workspace"
        print(f"executed notebooks: {_below_root(workspace.parent)}")
        print(f"to try its API: MODELS_DIR={_below_root(workspace)} {_python()} -m serving")
    _tell_workflow(run=run)
    print(f"trained; to make it the champion: make promote PROFILE={options.profile} RUN={run}")


def _below_root(name: str | Path) -> str:
    """A path as the notebooks read it, whatever the working directory; what is no path stays as it is."""
    path = Path(name).resolve()
    if not path.exists():
        return str(name)
    root = paths.root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _python() -> str:
    python = Path(sys.executable)
    return str(python.relative_to(paths.root()) if python.is_relative_to(paths.root()) else python)


def _promote(options: argparse.Namespace) -> None:
    from aiot_anomaly.training.promotion import promote  # noqa: PLC0415

    manifest = promote(options.profile, options.run)
    print(f"{options.profile}: version {manifest.version} is the champion, written to serving/models/")
    if manifest.git_commit.endswith("+changes"):
        print("note: it was trained from a work tree with uncommitted changes", file=sys.stderr)


def _reexport(options: argparse.Namespace) -> None:
    from aiot_anomaly.training.reexport import reexport  # noqa: PLC0415

    folder = reexport(options.profile)
    print(f"{options.profile}: its graph was exported anew, in {_below_root(folder)}; its scores are the same")


def _propose(options: argparse.Namespace) -> None:
    from aiot_anomaly.training import pipeline, proposal  # noqa: PLC0415

    run = options.run or pipeline.run(options.profile, dict(options.parameter))
    made = proposal.propose(
        options.profile,
        run,
        remote=options.remote,
        base=options.base,
        push=not options.no_push,
        check=options.check or proposal.CHECK,
    )
    _tell_workflow(
        run=run, proposed=str(made.proposed).lower(), branch=made.branch, title=made.title or "", body=made.body or ""
    )
    print(f"{options.profile}: {made.reason}")
    print(f"proposed on {made.branch}: {made.body}" if made.proposed else "nothing is proposed")


def _benchmark(options: argparse.Namespace) -> None:
    from aiot_anomaly.training.benchmark import report, running, writing  # noqa: PLC0415
    from aiot_anomaly.training.benchmark.tables import TABLES  # noqa: PLC0415

    unknown = [name for name in options.tables if name not in TABLES]
    if unknown:
        raise TrainingError(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    root = options.into or paths.root()
    for name in () if options.write_only else options.tables or TABLES:
        result = running.run(TABLES[name], root, seeds=options.seeds, overrides=dict(options.parameter))
        print(report.summary(result))
        # what is measured is kept, whatever becomes of the next table
        writing.write(root)
    for path in writing.write(root):
        print(f"written: {_below_root(path)}")


def _ui(options: argparse.Namespace) -> None:
    from aiot_anomaly.training import tracking  # noqa: PLC0415

    tracking.serve_ui(options.port)


COMMANDS = {
    "train": _train,
    "promote": _promote,
    "reexport": _reexport,
    "propose": _propose,
    "benchmark": _benchmark,
    "ui": _ui,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; an error that a person can mend is one line on stderr and exit code 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "propose" and options.run and options.parameter:
        parser.error("--run takes a model that is trained already: -p has no effect on it")
    try:
        COMMANDS[options.command](options)
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
