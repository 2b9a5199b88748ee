"""`python -m local {demo,up}`: the whole system on this machine."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from aiot_anomaly import paths
from aiot_anomaly.errors import AIoTError
from local import interrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole system on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("demo", help="send real and simulated readings through the pipeline, and report")
    shown.add_argument("--report", type=Path, default=paths.root() / "reports" / "demo.html", metavar="FILE")
    up = commands.add_parser("up", help="keep the stack running until Ctrl-C")
    for command in (shown, up):
        command.add_argument(
            "--pubsub",
            choices=("auto", "official", "embedded"),
            default="auto",
            help="the official emulator, the embedded server, or the first that is there (default: auto)",
        )
    return parser


def _up(console: Console, folder: Path, kind: str) -> int:
    from local import stack  # noqa: PLC0415 - see main
    from local.pubsub import resources  # noqa: PLC0415 - see main

    with stack.running(folder, kind=kind, usual_ports=True, say=lambda t: console.print(f"· {t}")) as running:  # type: ignore[arg-type] # argparse admits these kinds only
        table = Table("what", "where")
        table.add_row("API", f"{running.api}/docs")
        table.add_row("function", running.function)
        table.add_row(f"Pub/Sub ({running.pubsub_kind})", running.pubsub)
        table.add_row("store", f"{running.store} (STORE of python -m functions show, maintenance, recalibrate)")
        table.add_row("logs", str(running.logs))
        console.print(table)
        console.print(
            "Send readings from another terminal, for example:\n"
            f"  PUBSUB_EMULATOR_HOST={running.pubsub} .venv/local/bin/python -m simulator water "
            f"--seed 7 --sink pubsub --project {running.project} --topic {resources.READINGS} --days 14 --batch 24\n"
            "Ctrl-C stops everything.",
            soft_wrap=True,
        )
        while True:
            running.check()
            threading.Event().wait(1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command: 0 done, 1 failed (one line on stderr says why), 130 stopped by Ctrl-C or SIGTERM."""
    options = _parser().parse_args(arguments)
    interrupt.also_on_sigterm()
    # a pipe has no width of its own, and 80 columns cut the table
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        # the imports take seconds: Ctrl-C may come in them, and somebody waits
        console.print("[dim]·[/dim] starting", highlight=False)
        if options.command == "up":
            return _up(console, paths.root() / ".local" / "up", options.pubsub)
        from local.demo import Demo  # noqa: PLC0415 - see above

        demo = Demo(console, paths.root() / ".local" / "demo", options.report, options.pubsub)
        return 0 if demo.run() else 1
    except KeyboardInterrupt:
        console.print("stopped")
        return interrupt.INTERRUPTED
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
