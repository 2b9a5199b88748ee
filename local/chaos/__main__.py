"""`python -m local.chaos`: crashes and outages, and whether anything was decided otherwise for them."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from aiot_anomaly import paths
from aiot_anomaly.errors import AIoTError
from local import environment, interrupt, served, stack
from local.chaos import disruptions, stores, telling, traffic, trial, verdict
from local.chaos.verdict import Verdict
from local.pubsub import emulator

#: a reading a second, a decision a reading
PROFILE = "skab"
#: it allows none, as its recordings come in order; what is to be shown here is that waiting survives a crash
LATENESS_S = 40
#: so short that devices get a calibration of their own on the way
LEARNING_S = 100


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.chaos", description=__doc__)
    parser.add_argument("--devices", type=int, default=50, metavar="N", help="(default: %(default)s)")
    parser.add_argument(
        "--readings", type=int, default=20_000, metavar="N", help="of all devices together (default: %(default)s)"
    )
    parser.add_argument(
        "--disruptions", type=int, default=24, metavar="N", help="kills and outages (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="of the input and of what goes wrong when (default: %(default)s)",
    )
    parser.add_argument("--store", choices=("sqlite", "firestore"), default="sqlite", help="(default: %(default)s)")
    parser.add_argument(
        "--pubsub", choices=("auto", "official", "embedded"), default="auto", help="(default: %(default)s)"
    )
    parser.add_argument("--report", type=Path, default=paths.root() / "reports" / "chaos.json", metavar="FILE")
    parser.add_argument(
        "--folder", type=Path, default=paths.root() / ".local" / "chaos", help="for logs and stores; emptied first"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing differs; 1: something does, or a part did not start; 130: stopped by Ctrl-C or SIGTERM."""
    options = _parser().parse_args(arguments)
    interrupt.also_on_sigterm()
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        with stack.alone(options.folder):
            found = _run(options, console)
    except KeyboardInterrupt:
        console.print("stopped")
        return interrupt.INTERRUPTED
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    console.print(telling.table(found))
    options.report.parent.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in vars(options).items() if name not in {"report", "folder"}}
    options.report.write_text(json.dumps({"settings": settings, **found.document()}, indent=2) + "\n", encoding="utf-8")
    console.print(telling.conclusion(found, options.report), highlight=False)
    return 0 if found.holds else 1


def _run(options: argparse.Namespace, console: Console) -> Verdict:
    folder = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bundle = served.models(folder / "models", PROFILE, allowed_lateness_s=LATENESS_S, learning_s=LEARNING_S)
    sent = traffic.make(bundle, devices=options.devices, readings=options.readings, seed=options.seed)
    plan = disruptions.plan(options.disruptions, options.seed)
    telling.say(console, f"{sent.rows:,} rows in {len(sent.messages):,} messages of {sent.devices} devices")
    with (
        emulator.running(options.pubsub, log=folder / "pubsub.log") as pubsub,
        environment.variable("PUBSUB_EMULATOR_HOST", pubsub.address),
        stores.opening(options.store, folder) as store,
    ):
        telling.say(console, f"Pub/Sub {pubsub.kind}, store {options.store}; logs in {folder}")
        common = {"pubsub": pubsub.address, "models": folder / "models"}
        with telling.progress(console, "without disruptions", sent.rows) as progress:
            calm = trial.run("calm", sent, store("calm"), folder=folder / "calm", progress=progress, **common)
        with telling.progress(console, f"with {len(plan)} disruptions", sent.rows) as progress:
            disrupted = trial.run(
                "disrupted",
                sent,
                store("disrupted"),
                folder=folder / "disrupted",
                plan=plan,
                expected=len(calm.witness.decisions.contents),
                progress=progress,
                **common,
            )
    return verdict.compare(sent, plan, calm, disrupted)


if __name__ == "__main__":
    sys.exit(main())
