"""`python -m batch RECORDINGS --profile leak --out FOLDER`: decides the history of a fleet with Apache Beam."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from aiot_anomaly.errors import AIoTError, DatasetError
from aiot_anomaly.history import score
from batch import pipeline

#: the runner of this process: Beam's own default downloads a program
HERE = "FnApiRunner"
#: an error of ours, or of a file, in the text of one of Beam's, which may hold a worker's traceback
_MENDABLE = re.compile(r"^(?:aiot_anomaly\.errors\.\w+|OSError): (.+)$", re.MULTILINE)
#: what Beam adds to the text of a worker's error: the step, with all its arguments
_STEP = " [while running "

_EXAMPLES = """examples:
  python -m batch 'data/leak/train/*.csv' --profile leak --out decisions
  python -m batch 'gs://bucket/readings-*.parquet' --profile leak --out gs://bucket/decisions \\
    --runner DataflowRunner --project my-project --region europe-west1 --temp_location gs://bucket/temp \\
    --sdk_container_image europe-west1-docker.pkg.dev/my-project/aiot-anomaly/batch:latest
all other options are Beam's own: docs/scale.md says which matter"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m batch",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("recordings", nargs="+", help="CSV or Parquet: paths or gs://bucket/file, with * for many")
    parser.add_argument("--profile", required=True, metavar="NAME|YAML", help="whose promoted bundle decides")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="there (default: that of serving/models)")
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="decisions, incidents and summary: here or gs://"
    )
    parser.add_argument("--timestamp", metavar="COLUMN", help="the time (default: timestamp, or what the YAML says)")
    parser.add_argument("--device", metavar="COLUMN", help="which device a row is of (default: device_id)")
    parser.add_argument("--runner", default=HERE, help="(default: in this process)")
    return parser


def files(patterns: list[str]) -> list[str]:
    """The files of some patterns, each once.

    Raises:
        DatasetError: a pattern fits none.
    """
    found: dict[str, None] = {}
    for pattern, match in zip(patterns, FileSystems.match(patterns), strict=True):
        if not match.metadata_list:
            raise DatasetError(f"no file is called {pattern}")
        found |= dict.fromkeys(m.path for m in match.metadata_list)
    return sorted(found)


def told(error: Exception) -> str | None:
    """What a person is told of an error, wherever it was raised; None if no person can mend it."""
    text = str(error)
    if not isinstance(error, AIoTError | OSError):
        found = _MENDABLE.findall(text)
        text = found[-1] if found else ""
    return text.partition(_STEP)[0] or None


def main() -> int:
    """Runs the command line; an error that a person can mend is one line on stderr and exit code 1."""
    known, beams = _parser().parse_known_args()
    # what it logs of a worker's error, with the traceback, it also raises
    logging.getLogger("apache_beam.runners").setLevel(logging.CRITICAL)
    try:
        layout = score.layout_of(known.profile, timestamp=known.timestamp, device=known.device)
        bundle = str(score.bundle_of(known.profile, known.bundle))
        named = files(known.recordings)
        with beam.Pipeline(options=PipelineOptions(["--runner", known.runner, *beams])) as steps:
            pipeline.build(steps, named, known.out, bundle, layout)
    except Exception as e:
        said = told(e)
        if said is None:
            raise
        print(f"error: {said}", file=sys.stderr)
        return 1
    print(FileSystems.open(f"{known.out.rstrip('/')}/summary.json").read().decode(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
