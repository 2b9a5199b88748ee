"""The command line: from options to a fleet, and from a fleet to its sink."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet as fleet_files
from aiot_anomaly.datasets.fleet import Fleet
from aiot_anomaly.errors import AIoTError
from aiot_anomaly.profile import Profile
from simulator import faults, replay
from simulator.clock import time_range
from simulator.errors import SimulatorError
from simulator.faults import Faults
from simulator.options import parser
from simulator.publisher import Summary, publish
from simulator.sinks import LinesSink, PubSubSink, Sink

INTERRUPTED = 130

#: sinks that are files of readings; the others take messages
TABLES = ("csv", "parquet")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit status: 0, 1 after an error, 130 after Ctrl-C."""
    args = parser().parse_args(argv)
    try:
        _check(args)
        profile = _profile(args)
        fleet = _water(args) if args.command == "water" else _replay(args, profile)
        if args.truth:
            fleet_files.write_truth(args.truth, fleet.truth)
        summary = _write(args, fleet, profile) if args.sink in TABLES else _publish(args, fleet, profile)
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
    if args.command == "water":
        return profile_store.load("leak")
    if args.profile is None and not args.source.startswith("skab:"):
        raise SimulatorError(f"--profile is needed: it names the sensors; shipped {', '.join(profile_store.shipped())}")
    return profile_store.load(args.profile or "skab")


def _water(args: argparse.Namespace) -> Fleet:
    # WNTR takes seconds to import, which the replay and --help need not wait for
    from simulator import leak, water  # noqa: PLC0415 - see above

    start, end = time_range(args.start, args.end, args.days)
    districts = _numbers(args.districts)
    leaks = [leak.parse(spec, end=end) for spec in args.leak]
    leaks += leak.random_leaks(
        districts,
        start,
        end,
        each=args.random_leaks,
        sizes=_percentages(args.leak_sizes),
        days=args.leak_days,
        seed=args.seed,
        quiet_days=args.quiet_days,
    )
    return water.simulate(
        districts,
        start,
        end,
        leaks=leaks,
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


def _write(args: argparse.Namespace, fleet: Fleet, profile: Profile) -> Summary:
    begin = time.monotonic()
    rows = fleet_files.write_readings(args.out, fleet.recordings, profile, kind=args.sink)
    fleet_files.write_truth(args.out / fleet_files.TRUTH, fleet.truth)
    return Summary(rows_published=rows, devices=len(fleet), seconds=time.monotonic() - begin)


def _publish(args: argparse.Namespace, fleet: Fleet, profile: Profile) -> Summary:
    sink: Sink
    if args.sink == "pubsub":
        sink = PubSubSink(args.project, args.topic)
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


def _numbers(text: str) -> list[int]:
    first, dash, last = text.partition("-")
    try:
        return list(range(int(first), int(last) + 1)) if dash else list(range(1, int(text) + 1))
    except ValueError:
        raise SimulatorError(f"--districts {text}; expected how many, such as 20, or which, such as 41-50") from None


def _percentages(text: str) -> list[float]:
    try:
        return [float(size.strip().removesuffix("%")) / 100 for size in text.split(",")]
    except ValueError:
        raise SimulatorError(f"--leak-sizes {text}; expected percentages such as 2,5,10") from None


def _renamed(pairs: Sequence[str]) -> dict[str, str]:
    names = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(names) or not all(names.values()) or len(names) < len(pairs):
        raise SimulatorError(f"--rename {' '.join(pairs)}; expected COLUMN=SENSOR, each column once")
    return names
