"""On the command line: a first profile from a recording, and the decisions on a recording of any length."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aiot_anomaly import closed_pipe
from aiot_anomaly.errors import AIoTError, DatasetError, ProfileError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aiot_anomaly", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    profile = commands.add_parser("profile", help="write a first profile from a recording, with what was found in it")
    profile.add_argument("recording", type=Path, help="a CSV (, ; tab or | between columns) or .parquet file")
    profile.add_argument("--out", type=Path, help="the file to write (default: the recording's name with .yaml)")
    profile.add_argument("--name", help="of the profile and its model (default: from the file's name)")
    profile.add_argument("--timestamp", metavar="COLUMN", help="the time (default: the first that holds times)")
    profile.add_argument("--label", metavar="COLUMN", help="which rows are anomalous (default: by its name)")
    profile.add_argument("--device", metavar="COLUMN", help="which device a row is of (default: by its name)")
    profile.add_argument("--force", action="store_true", help="write over a file that is there")
    score = commands.add_parser(
        "score",
        help="decide a recording of any length, in bounded memory, as the stream and the API would",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""examples:
  python -m aiot_anomaly score data/leak/readings.csv --profile leak --out decisions.parquet
  python -m aiot_anomaly score gs://bucket/2026.parquet --profile skab --out gs://bucket/decisions.parquet
  python -m aiot_anomaly score my.csv --profile my.yaml --out decisions.csv   # read as the YAML's `recording` says""",
    )
    score.add_argument("recording", help="CSV (also .gz, .bz2, .xz) or .parquet: a path, or gs://bucket/file")
    score.add_argument("--profile", required=True, metavar="NAME|YAML", help="whose promoted bundle decides")
    score.add_argument("--bundle", type=Path, metavar="FOLDER", help="(default: that of serving/models)")
    score.add_argument("--out", required=True, metavar="FILE", help="the decisions: .csv or .parquet, here or in gs://")
    score.add_argument("--timestamp", metavar="COLUMN", help="the time (default: timestamp, or what the YAML says)")
    score.add_argument(
        "--device", metavar="COLUMN", help="which device a row is of (default: device_id, if it is there)"
    )
    score.add_argument("--device-id", metavar="ID", help="of the one device of a file without that column")
    score.add_argument("--sort", action="store_true", help="rows are in any order: sort them first, on disk")
    score.add_argument("--force", action="store_true", help="write over a file that is there")
    return parser


def _score(options: argparse.Namespace) -> None:
    try:
        # imported here: the core knows neither pandas nor ONNX Runtime
        from aiot_anomaly.history import score  # noqa: PLC0415 - see above
    except ImportError as e:
        raise DatasetError(f"{e.name} is missing: run this in the environment of `make up` (.venv/local)") from None
    given = {k: v for k, v in vars(options).items() if k != "command"}
    print(score.run(**given))


def _profile(options: argparse.Namespace) -> None:
    try:
        # imported here: the core knows neither pandas nor YAML
        from aiot_anomaly import profile_store  # noqa: PLC0415 - see above
        from aiot_anomaly.datasets import columns, findings, first_profile  # noqa: PLC0415 - see above
        from aiot_anomaly.datasets.survey import survey  # noqa: PLC0415 - see above
    except ImportError as e:
        raise DatasetError(f"{e.name} is missing: run this in the environment of `make train` (.venv/dev)") from None
    path: Path = options.recording
    name = options.name or columns.valid_names([path.stem])[path.stem].lower()
    if options.name is None and name in profile_store.shipped():
        name = f"{name}_own"
    if name in profile_store.shipped():
        raise ProfileError(f"the profile {name} is shipped; name yours otherwise by --name")
    out = options.out or Path(f"{name}.yaml")
    if out.suffix not in {".yaml", ".yml"}:
        raise ProfileError(f"--out is {out}; expected a name that ends in .yaml")
    if out.exists() and not options.force:
        raise ProfileError(f"{out} is there already and may hold your changes: name another by --out, or give --force")
    found = survey(path, timestamp=options.timestamp, label=options.label, device=options.device)
    first = first_profile.propose(found, name)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(first.text, encoding="utf-8")
    except OSError as e:
        raise ProfileError(f"{out} cannot be written: {e.strerror}") from None
    print(findings.told(first, out))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; an error that a person can mend is one line on stderr and exit code 1."""
    options = _parser().parse_args(arguments)
    try:
        {"profile": _profile, "score": _score}[options.command](options)
        sys.stdout.flush()
    except BrokenPipeError:
        closed_pipe.give_up_standard_output()
        return closed_pipe.PIPE_CLOSED
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
