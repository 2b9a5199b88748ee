"""The command line: from options to a fleet, and from a fleet to its sink."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import AIoTError
from aiot_anomaly.profile import Profile
from simulator import faults, meter_command, meters, replay, water_command
from simulator.clock import time_range
from simulator.errors import SimulatorError
from simulator.faults import Faults
from simulator.options import parser
from simulator.publisher import Summary, publish
from simulator.sinks import BULK_S, PROMPT_S, LinesSink, PubSubSink, Sink

INTERRUPTED = 130

#: what is in memory at a time of a fleet that is written to files
PIECE_DAYS = 28

#: commands that simulate, and the profiles of their devices
SIMULATED = {"water": "leak", "meters": "fraud"}

#: sinks that are files of readings; the others take messages
TABLES = ("csv", "parquet")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit status: 0, 1 after an error, 130 after Ctrl-C."""
    args = parser().parse_args(argv)
    try:
        _check(args)
        profile = _profile(args)
        pieces = _simulated(args) if args.command in SIMULATED else _replay(args, profile)
        summary = _write(args, pieces, profile) if args.sink in TABLES else _publish(args, pieces, profile)
    except AIoTError as e:
        sys.stderr.write(f"simulator: {e}\n")
        return 1
    except KeyboardInterrupt:
        # before the first message; publish handles the ones that come later
        summary = Summary(interrupted=True)
    sys.stderr.write(f"{summary}\n")
    if args.summary:
        summary.write(args.summary)
    return INTERRUPTED if summary.interrupted else 0


def _check(args: argparse.Namespace) -> None:
    if args.sink in {*TABLES, "jsonl"} and args.out is None:
        raise SimulatorError(f"--sink {args.sink} needs --out {'FOLDER' if args.sink in TABLES else 'FILE'}")
    if args.sink == "pubsub" and not args.project:
        raise SimulatorError("--sink pubsub needs --project, or GOOGLE_CLOUD_PROJECT in the environment")
    if args.sink in TABLES and (args.duplicates or args.poison or _faults(args)):
        raise SimulatorError(
            f"--duplicates and --poison, like --corrupt, --late, --gaps and --skew, are about messages; "
            f"--sink {args.sink} writes tables"
        )
    if args.seed < 0:
        raise SimulatorError(f"--seed {args.seed}; expected 0 or more")
    if getattr(args, "jobs", None) is not None and args.jobs < 1:
        raise SimulatorError(f"--jobs {args.jobs}; expected 1 or more processes, or no --jobs for one a processor")


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


def _simulated(args: argparse.Namespace) -> Iterable[Fleet]:
    if args.command == "water":
        return _water(args)
    numbers = None if args.meters is None else _numbers(args.meters, "--meters")
    run = meter_command.simulated(args, numbers)
    # files take the fleet meter by meter; messages leave in time order, all devices together
    return (meters.fleet([meter]) for meter in run) if args.sink in TABLES else [meters.fleet(run)]


def _water(args: argparse.Namespace) -> Iterable[Fleet]:
    # WNTR takes seconds to import, which the replay and --help need not wait for
    from simulator import water  # noqa: PLC0415 - see above

    start, end = time_range(args.start, args.end, args.days)
    districts = _numbers(args.districts, "--districts")
    return water.stream(
        districts,
        start,
        end,
        water_command.happenings(args, districts, start, end),
        # files take the fleet piece by piece; messages leave in time order, all devices together
        days=PIECE_DAYS if args.sink in TABLES else None,
        network=args.network,
        seed=args.seed,
        interval_s=args.interval,
        jobs=args.jobs,
        progress=not args.quiet,
    )


def _replay(args: argparse.Namespace, profile: Profile) -> Iterable[Fleet]:
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
        limit=args.limit,
    )
    played = replay.arranged(
        fleet,
        profile,
        days=args.days,
        interval_s=args.interval,
        start=args.start,
        end=args.end,
        devices=args.devices,
    )
    return [played]


def _write(args: argparse.Namespace, pieces: Iterable[Fleet], profile: Profile) -> Summary:
    begin, truth, devices = time.monotonic(), list[Truth](), set[str]()

    def recordings() -> Iterator[Recording]:
        for piece in pieces:
            truth.extend(piece.truth)
            devices.update(r.device_id for r in piece.recordings)
            yield from piece.recordings

    rows = fleet_files.write_readings(args.out, recordings(), profile, kind=args.sink)
    for path in (args.out / fleet_files.TRUTH, args.truth):
        if path:
            fleet_files.write_truth(path, truth)
    return Summary(rows_published=rows, devices=len(devices), seconds=time.monotonic() - begin)


def _publish(args: argparse.Namespace, pieces: Iterable[Fleet], profile: Profile) -> Summary:
    # all of it at once: messages of all devices leave in the order of their times
    (fleet,) = pieces
    if args.truth:
        fleet_files.write_truth(args.truth, fleet.truth)
    sink: Sink
    if args.sink == "pubsub":
        sink = PubSubSink(args.project, args.topic, hold_s=PROMPT_S if args.rate or args.speed else BULK_S)
    else:
        sink = LinesSink(args.out if args.sink == "jsonl" else sys.stdout.buffer)
    return publish(
        fleet.recordings,
        profile,
        sink,
        batch=args.batch,
        rate=args.rate,
        speed=args.speed,
        duplicates=args.duplicates,
        poison=args.poison,
        faults=_faults(args),
        seed=args.seed,
        progress=not args.quiet,
    )


def _numbers(text: str, option: str) -> list[int]:
    first, dash, last = text.partition("-")
    try:
        return list(range(int(first), int(last) + 1)) if dash else list(range(1, int(text) + 1))
    except ValueError:
        raise SimulatorError(f"{option} {text}; expected how many, such as 20, or which, such as 41-50") from None


def _renamed(pairs: Sequence[str]) -> dict[str, str]:
    names = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(names) or not all(names.values()) or len(names) < len(pairs):
        raise SimulatorError(f"--rename {' '.join(pairs)}; expected COLUMN=SENSOR, each column once")
    return names
