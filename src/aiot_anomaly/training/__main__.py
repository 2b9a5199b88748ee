"""`python -m aiot_anomaly.training {train,promote,ui}`: the pipeline, the promotion and the MLflow UI."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import yaml

from aiot_anomaly import profile_store
from aiot_anomaly.errors import AIoTError


def _parameter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE")
    return name, yaml.safe_load(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aiot_anomaly.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="run the notebooks 01 to 04 with Papermill, tracked in MLflow")
    train.add_argument("profile", help=f"one of {', '.join(profile_store.shipped())}")
    train.add_argument(
        "-p", "--parameter", action="append", default=[], type=_parameter, metavar="NAME=VALUE",
        help="replaces a parameter of notebooks/params/<profile>.yaml; may be given several times",
    )  # fmt: skip
    promote = commands.add_parser("promote", help="make a trained model the champion, and write its bundle")
    promote.add_argument("profile", help=f"one of {', '.join(profile_store.shipped())}")
    promote.add_argument("--run", default="", help="the pipeline's MLflow run id; the newest model if not given")
    ui = commands.add_parser("ui", help="open the MLflow UI on the local store")
    ui.add_argument("--port", type=int, default=5000)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; an error that a person can mend is one line on stderr and exit code 1."""
    options = _parser().parse_args(arguments)
    try:
        # imported here: TensorFlow and MLflow take seconds that --help and a typing error should not cost
        if options.command == "train":
            from aiot_anomaly.training import pipeline  # noqa: PLC0415

            run = pipeline.run(options.profile, dict(options.parameter))
            print(f"trained; to make it the champion: make promote PROFILE={options.profile} RUN={run}")
        elif options.command == "ui":
            from aiot_anomaly.training import tracking  # noqa: PLC0415

            tracking.serve_ui(options.port)
        else:
            from aiot_anomaly.training.promotion import promote  # noqa: PLC0415

            manifest = promote(options.profile, options.run)
            print(f"{options.profile}: version {manifest.version} is the champion, written to serving/models/")
            if manifest.git_commit.endswith("+changes"):
                print("note: it was trained from a work tree with uncommitted changes", file=sys.stderr)
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
