"""`python -m local.pubsub`: run the embedded Pub/Sub server until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

from local.pubsub.server import DEFAULT_OUTSTANDING_PUSHES, Server


async def _serve(host: str, port: int, outstanding_pushes: int) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    server = Server(outstanding_pushes=outstanding_pushes)
    bound = await server.start(host, port)
    print(f"Pub/Sub listens: PUBSUB_EMULATOR_HOST={host}:{bound}", flush=True)
    await stopped.wait()
    await server.stop()


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m local.pubsub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8085, help="0 takes a free port")
    parser.add_argument(
        "--outstanding-pushes",
        type=int,
        default=DEFAULT_OUTSTANDING_PUSHES,
        help="the most posts that are under way at a time, for each push subscription",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        asyncio.run(_serve(arguments.host, arguments.port, arguments.outstanding_pushes))
    except RuntimeError as error:
        print(f"cannot listen on {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
