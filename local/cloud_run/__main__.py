"""`python -m local.cloud_run {serve,rehearse}`: Cloud Run on this machine, and a roll-out on it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from local.cloud_run import server


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line and serves."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud_run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    served = commands.add_parser("serve", help="run the stand-in until SIGTERM or Ctrl-C")
    served.add_argument("--folder", type=Path, required=True, help="of the images and the logs")
    served.add_argument("--port", type=int, required=True, help="of the Admin API and the metrics (gRPC)")
    served.add_argument("--http-port", type=int, required=True, help="of the services")
    served.add_argument("--sample", type=float, default=60.0, metavar="S", help="of the request counts (%(default)s)")
    served.add_argument("--delay", type=float, default=120.0, metavar="S", help="until they are read (%(default)s)")
    options = parser.parse_args(arguments)
    server.serve(options.folder, options.port, options.http_port, sample_s=options.sample, delay_s=options.delay)
    return 0


if __name__ == "__main__":
    sys.exit(main())
