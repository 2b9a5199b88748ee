"""The command `meters`: its options, and the fleet that they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from aiot_anomaly.datasets.readings import iso
from simulator import fraud, meters, recorded
from simulator.clock import time_range
from simulator.consumers import KINDS
from simulator.errors import SimulatorError

EXAMPLES = """\
  # a year of 200 electricity meters, a fraud of two weeks in 40 of them after the first half year, as files
  python -m simulator meters --meters 200 --days 365 --quiet-days 180 --random-fraud 40 --sink csv --out data/meters

  # a household that runs a part of its load around the meter for the last ten days, and a works whose meter is stuck
  python -m simulator meters --meters 2 --days 30 --fraud meter-0001:bypass:-10d --fraud meter-0002:stuck:-5d:3
"""


def add_options(command: argparse.ArgumentParser, fleet: argparse._ArgumentGroup) -> None:
    """Adds what only this command knows; `fleet` is the group of its options that has the range of time."""
    fleet.add_argument(
        "--meters",
        "--devices",
        metavar="N|A-B",
        help="how many, or which numbers: 20 or 41-50 (default: 1, or all of --base)",
    )
    fleet.add_argument(
        "--kinds",
        default=",".join(KINDS),
        metavar="KIND,KIND",
        help=f"the kinds of consumers that are drawn from (default: {','.join(KINDS)})",
    )
    fleet.add_argument(
        "--holidays", metavar="COUNTRY", help="they keep its public holidays: BR, DE, GB, PT or US (default: none)"
    )
    base = command.add_argument_group("real consumption in place of the drawn one")
    base.add_argument(
        "--base",
        type=Path,
        metavar="FILE",
        help="CSV or Parquet with a row an hour and a column of kWh for each consumer; the range is the file's, unless "
        "--start, --days or --end say less",
    )
    base.add_argument("--timestamp-column", default="timestamp", metavar="NAME", help="(default: timestamp)")
    base.add_argument("--separator", default=",", metavar="CHAR", help="between the columns of a CSV (default: ,)")
    frauds = command.add_argument_group("fraud and broken meters")
    frauds.add_argument(
        "--fraud",
        action="append",
        default=[],
        metavar="METER:TYPE:START[:DAYS]",
        help="h1 (a constant share is metered), h2 (nothing for some hours a day), h3 (a random share each hour), "
        "h4 (random shares of the day's mean), h5 (the day's mean), h6 (the day reversed; all six: Jokar et al. 2016), "
        "bypass (a share runs around the meter), stuck, dead (zero) or silent (no readings); over whole days, e.g. "
        "meter-0001:h3:2026-11-02:14, or meter-0001:bypass:-30d until the end; may be repeated",
    )
    frauds.add_argument(
        "--random-fraud", type=int, default=0, metavar="N", help="a fraud in each of N meters, drawn (default: 0)"
    )
    frauds.add_argument(
        "--fraud-types",
        default=",".join(fraud.THEFTS),
        metavar="TYPE,TYPE",
        help=f"their types, in turn from the first, in a drawn order (default: {','.join(fraud.THEFTS)})",
    )
    frauds.add_argument("--fraud-days", type=int, default=14, metavar="N", help="how long each runs (default: 14)")
    frauds.add_argument(
        "--quiet-days", type=int, default=0, metavar="N", help="days before the first of them (default: 0)"
    )


def simulated(args: argparse.Namespace, numbers: Sequence[int] | None) -> Iterator[meters.Meter]:
    """The meters that the options stand for, one by one; `numbers` are theirs, None where nothing was said.

    Raises:
        SimulatorError: the options ask for what cannot be.
    """
    if args.interval != meters.HOUR_S:
        raise SimulatorError(f"--interval {args.interval}; meters are read every {meters.HOUR_S} s")
    base = None
    if args.base is None:
        start, end = time_range(args.start, args.end, args.days)
    else:
        base = recorded.read(args.base, timestamp_column=args.timestamp_column, separator=args.separator)
        start, end = _within(args, base[0].start, base[0].end)
    numbers = numbers or range(1, 1 + (1 if base is None else len(base)))
    frauds = [fraud.parse(spec, end=end) for spec in args.fraud]
    frauds += fraud.random_frauds(
        numbers,
        start,
        end,
        count=args.random_fraud,
        kinds=_words(args.fraud_types),
        days=args.fraud_days,
        quiet_days=args.quiet_days,
        seed=args.seed,
    )
    return meters.simulate(
        numbers,
        start,
        end,
        frauds=frauds,
        kinds=_words(args.kinds),
        holidays=args.holidays,
        base=base,
        seed=args.seed,
        progress=not args.quiet,
    )


def _within(args: argparse.Namespace, first: int, last: int) -> tuple[int, int]:
    """The range that was asked for of a file's."""
    start, end = time_range(args.start, iso(last) if args.end is None else args.end, args.days)
    if args.start is None and args.days is None:
        start = first
    if not first <= start < end <= last:
        raise SimulatorError(
            f"the range from {iso(start)} to {iso(end)} is not within {args.base}, which has consumption from "
            f"{iso(first)} to {iso(last)}"
        )
    return start, end


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]
