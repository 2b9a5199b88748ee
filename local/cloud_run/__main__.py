"""`python -m local.cloud_run {serve,rehearse}`: Cloud Run on this machine, and a roll-out on it."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from aiot_anomaly import paths
from aiot_anomaly.errors import AIoTError

INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.cloud_run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "rehearse", help="play a good roll-out, two bad ones and a rollback; 0 if all ended as expected"
    )
    served = commands.add_parser("serve", help="run the stand-in until SIGTERM or Ctrl-C")
    served.add_argument("--folder", type=Path, required=True, help="of the images and the logs")
    served.add_argument("--port", type=int, required=True, help="of the Admin API and the metrics (gRPC)")
    served.add_argument("--http-port", type=int, required=True, help="of the services")
    served.add_argument("--sample", type=float, default=60.0, metavar="S", help="of the request counts (%(default)s)")
    served.add_argument("--delay", type=float, default=120.0, metavar="S", help="until they are read (%(default)s)")
    return parser


def _stop_politely(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _rehearse() -> int:
    from local.cloud_run.rehearsal import Rehearsal  # noqa: PLC0415 - the server starts faster without it

    signal.signal(signal.SIGTERM, _stop_politely)
    # a pipe has no width of its own, and 80 columns cut the tables
    console = Console(width=None if sys.stdout.isatty() else 140)
    began = time.monotonic()
    as_expected = Rehearsal(console, paths.models(), paths.root() / ".local" / "rehearsal").run()
    console.print(f"{'✓ all as expected' if as_expected else '✗ not as expected'}, {time.monotonic() - began:.0f} s")
    return 0 if as_expected else 1


def _serve(options: argparse.Namespace) -> int:
    from local.cloud_run import server  # noqa: PLC0415 - `--help` needs none of it

    server.serve(options.folder, options.port, options.http_port, sample_s=options.sample, delay_s=options.delay)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command: 0 done, 1 not as expected or an error, 130 stopped by Ctrl-C or SIGTERM."""
    options = _parser().parse_args(arguments)
    try:
        return _serve(options) if options.command == "serve" else _rehearse()
    except KeyboardInterrupt:
        print("stopped")
        return INTERRUPTED
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
