"""The command line: from options to a fleet, and from a fleet to its sink."""

from __future__ import annotations

import argparse
import math
import stat
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from aiot_anomaly import closed_pipe, profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import AIoTError
from aiot_anomaly.profile import Profile
from simulator import faults, meter_command, meters, replay, water, water_command
from simulator.clock import DAY_S, MOST_DAYS, time_range
from simulator.errors import SimulatorError, named
from simulator.faults import Faults
from simulator.feed import Feed
from simulator.options import parser
from simulator.publisher import Summary, check_numbers, publish
from simulator.sinks import BULK_S, PROMPT_S, STANDARD_OUTPUT, LinesSink, PubSubSink, Sink

INTERRUPTED = 130

#: of a fleet of districts, what is in memory at a time. Messages want the first piece soon; for files longer ones are
#: quicker
PIECE_DAYS = {"files": 28, "messages": 7}

#: commands that simulate, and the profiles of their devices
SIMULATED = {"water": "leak", "meters": "fraud"}

#: the most devices of a fleet: a longer list is a slip, and would fill the memory
MOST_DEVICES = 100_000

#: the least and the most of options that are numbers; one that a command lacks, or that was not given, is fine
_BOUNDS = {
    "seed": (0, math.inf),
    "jobs": (1, 1_000),
    "limit": (1, math.inf),
    "random_leaks": (0, 1_000),
    "random_events": (0, 1_000),
    "random_faults": (0, 1_000),
    "random_fraud": (0, MOST_DEVICES),
    "quiet_days": (0, MOST_DAYS),
    "leak_days": (0, MOST_DAYS),
    "leak_growth": (0, MOST_DAYS),
    "fraud_days": (1, MOST_DAYS),
    "interval": (1, MOST_DAYS * DAY_S),
}

#: sinks that are files of readings; the others take messages
TABLES = ("csv", "parquet")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit status.

    0; 1 after an error, 130 after Ctrl-C, 141 where nobody reads standard output any more.
    """
    args = parser().parse_args(argv)
    try:
        summary = _run(args)
        if args.summary:
            with named(args.summary):
                summary.write(args.summary)
    except AIoTError as e:
        return _failed(str(e))
    except OSError as e:
        if e.filename == STANDARD_OUTPUT:
            closed_pipe.give_up_standard_output()
            if isinstance(e, BrokenPipeError):
                return closed_pipe.PIPE_CLOSED
        return _failed(f"{e.filename}: {e.strerror}" if e.filename else str(e))
    return INTERRUPTED if summary.interrupted else 0


def _run(args: argparse.Namespace) -> Summary:
    try:
        _check(args)
        profile = _profile(args)
        summary = _write(args, profile) if args.sink in TABLES else _publish(args, profile)
    except KeyboardInterrupt:
        # before the first message; publish handles the ones that come later
        summary = Summary(interrupted=True)
    sys.stderr.write(f"{summary}\n")
    return summary


def _failed(why: str) -> int:
    sys.stderr.write(f"simulator: {why}\n")
    return 1


def _check(args: argparse.Namespace) -> None:
    if args.sink in {*TABLES, "jsonl"} and args.out is None:
        raise SimulatorError(f"--sink {args.sink} needs --out {'FOLDER' if args.sink in TABLES else 'FILE'}")
    if args.sink == "pubsub" and not args.project:
        raise SimulatorError("--sink pubsub needs --project, or GOOGLE_CLOUD_PROJECT in the environment")
    check_numbers(batch=args.batch, rate=args.rate, speed=args.speed, duplicates=args.duplicates, poison=args.poison)
    befalls = _faults(args)
    if args.sink in TABLES and (args.duplicates or args.poison or befalls):
        raise SimulatorError(
            f"--duplicates and --poison, like --corrupt, --late, --gaps and --skew, are about messages; "
            f"--sink {args.sink} writes tables"
        )
    for name, (least, most) in _BOUNDS.items():
        number = getattr(args, name, None)
        if number is not None and not least <= number <= most:
            expected = f"{least} or more" if most == math.inf else f"{least} to {most}"
            raise SimulatorError(f"--{name.replace('_', '-')} {number}; expected {expected}")
    if len(getattr(args, "separator", ",")) != 1:
        raise SimulatorError(f"--separator {args.separator}; expected one character, such as ; or $'\\t' for a tab")
    # last, when all else is well: what is missing of their folders is made here
    for option in ("truth", "summary"):
        _check_file(getattr(args, option), f"--{option}")
    if args.sink in TABLES:
        args.out.mkdir(parents=True, exist_ok=True)


def _check_file(path: Path | None, option: str) -> None:
    """Refuses a file that could not be written at the end, after everything was sent."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # a device takes the summary, but the truth is moved to its place and would replace it
    if path.exists() and (path.is_dir() or (option == "--truth" and not stat.S_ISREG(path.stat().st_mode))):
        raise SimulatorError(f"{option} {path} is no file; expected the name of one, which is written anew")


def _faults(args: argparse.Namespace) -> Faults:
    return Faults(
        late=faults.parse(args.late, "--late"),
        gaps=faults.parse(args.gaps, "--gaps"),
        corrupt=args.corrupt,
        skew=faults.parse(args.skew, "--skew"),
    )


def _profile(args: argparse.Namespace) -> Profile:
    if args.command in SIMULATED:
        return profile_store.load(SIMULATED[args.command])
    if args.profile is None and not args.source.startswith("skab:"):
        raise SimulatorError(f"--profile is needed: it names the sensors; shipped {', '.join(profile_store.shipped())}")
    return profile_store.load(args.profile or "skab")


def _pieces(args: argparse.Namespace, profile: Profile) -> Feed | Generator[Fleet, None, None]:
    """What is written to files: of districts some weeks at a time, of meters one after the other."""
    if args.command == "meters":
        return (meters.fleet([meter]) for meter in _meters(args))
    return _feed(args, profile, PIECE_DAYS["files"])


def _feed(args: argparse.Namespace, profile: Profile, piece_days: int) -> Feed:
    """What is sent: all devices together, in time."""
    if args.command == "replay":
        return Feed.of(_replay(args, profile))
    return Feed.of(meters.fleet(_meters(args))) if args.command == "meters" else _water(args, piece_days)


def _meters(args: argparse.Namespace) -> Iterator[meters.Meter]:
    return meter_command.simulated(args, None if args.meters is None else _numbers(args.meters, "--meters"))


def _water(args: argparse.Namespace, piece_days: int) -> Feed:
    start, end = time_range(args.start, args.end, args.days)
    districts = _numbers(args.districts, "--districts")
    return water.stream(
        districts,
        start,
        end,
        water_command.happenings(args, districts, start, end),
        days=piece_days,
        network=args.network,
        seed=args.seed,
        interval_s=args.interval,
        jobs=args.jobs,
        progress=not args.quiet,
    )


def _replay(args: argparse.Namespace, profile: Profile) -> Fleet:
    if args.device is not None and args.source.startswith("skab:"):
        raise SimulatorError(f"--device names the device of a file; that of {args.source} follows from its name")
    fleet = replay.load(
        args.source,
        profile,
        timestamp_column=args.timestamp_column,
        device_column=args.device_column,
        device_id=args.device,
        label_column=args.label_column,
        separator=args.separator,
        rename=_renamed(args.rename),
        layout=_layout(args),
        limit=args.limit,
    )
    return replay.arranged(
        fleet,
        profile,
        days=args.days,
        interval_s=args.interval,
        start=args.start,
        end=args.end,
        devices=args.devices,
    )


def _layout(args: argparse.Namespace) -> Layout | None:
    """That of the profile's file, where it has one and no option says otherwise."""
    said = (args.timestamp_column, args.device_column, args.label_column, args.separator, args.rename)
    if said != ("timestamp", None, None, ",", []) or not args.profile or not profile_store.is_path(args.profile):
        return None
    layout = profile_store.layout(args.profile)
    return None if layout == Layout() else layout


def _write(args: argparse.Namespace, profile: Profile) -> Summary:
    begin, truth, devices = time.monotonic(), list[Truth](), set[str]()

    def recordings(pieces: Iterable[Fleet]) -> Iterator[Recording]:
        for piece in pieces:
            truth.extend(piece.truth)
            devices.update(r.device_id for r in piece.recordings)
            yield from piece.recordings

    with closing(_pieces(args, profile)) as pieces, named(args.out):
        rows = fleet_files.write_readings(args.out, recordings(pieces), profile, kind=args.sink)
    for path in (args.out / fleet_files.TRUTH, args.truth):
        if path:
            with named(path):
                fleet_files.write_truth(path, truth)
    return Summary(rows_published=rows, devices=len(devices), seconds=time.monotonic() - begin)


def _publish(args: argparse.Namespace, profile: Profile) -> Summary:
    with closing(_feed(args, profile, PIECE_DAYS["messages"])) as feed:
        if args.truth:
            with named(args.truth):
                fleet_files.write_truth(args.truth, feed.truth)
        return publish(
            feed,
            profile,
            _sink(args),
            batch=args.batch,
            rate=args.rate,
            speed=args.speed,
            duplicates=args.duplicates,
            poison=args.poison,
            faults=_faults(args),
            seed=args.seed,
            progress=not args.quiet,
        )


def _sink(args: argparse.Namespace) -> Sink:
    if args.sink == "pubsub":
        return PubSubSink(args.project, args.topic, hold_s=PROMPT_S if args.rate or args.speed else BULK_S)
    return LinesSink(args.out if args.sink == "jsonl" else sys.stdout.buffer)


def _numbers(text: str, option: str) -> list[int]:
    first, dash, last = text.partition("-")
    try:
        low, high = (int(first), int(last)) if dash else (1, int(text))
    except ValueError:
        low, high = 0, 0
    if not 1 <= low <= high <= MOST_DEVICES:
        raise SimulatorError(
            f"{option} {text}; expected how many, such as 20, or which, such as 41-50, from 1 to {MOST_DEVICES}"
        )
    return list(range(low, high + 1))


def _renamed(pairs: Sequence[str]) -> dict[str, str]:
    names = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(names) or not all(names.values()) or len(names) < len(pairs):
        raise SimulatorError(f"--rename {' '.join(pairs)}; expected COLUMN=SENSOR, each column once")
    return names
