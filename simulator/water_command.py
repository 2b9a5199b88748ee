"""The command `water`: its options, and what they say is to happen to the fleet."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from simulator import events, leak, sensor_faults
from simulator.district_readings import SENSORS
from simulator.errors import SimulatorError
from simulator.happenings import Happenings

EXAMPLES = """\
  # four weeks of five districts, a leak of 8 % of the inflow in the first for the last five days, as files
  python -m simulator water --districts 5 --days 28 --leak dma-01:8%:-5d:5 --sink csv --out data/fleet

  # a labelled test set: three leaks in each of the districts 41 to 50, after four quiet weeks
  python -m simulator water --districts 41-50 --days 98 --quiet-days 28 --random-leaks 3 --sink csv --out data/test

  # a large network: a leak that grows for four days, a heat wave, Brazil's holidays and a drifting sensor, as Parquet
  python -m simulator water --network ky4 --days 28 --leak dma-01:6%:-10d:10,grows=4 --event heat-wave:all:20%:-20d:5 \\
      --holidays BR --fault drift:dma-01/pressure_2_m=-0.5:-10d:10 --sink parquet --out data/large
"""


def add_options(command: argparse.ArgumentParser, fleet: argparse._ArgumentGroup) -> None:
    """Adds what only this command knows; `fleet` is the group of its options that has the range of time."""
    fleet.add_argument(
        "--network",
        default="net3",
        metavar="NAME",
        help="of every district: net3, 92 junctions, or ky4, 956 (default: net3)",
    )
    _leaks(command.add_argument_group("leaks"))
    _events(command.add_argument_group("harmless events (normal in the truth)"))
    _faults(command.add_argument_group("faults of sensors"))


def happenings(args: argparse.Namespace, districts: Sequence[int], start: int, end: int) -> Happenings:
    """What the options say is to happen between two moments, unix seconds.

    Raises:
        SimulatorError: an option is not of its form, or does not fit into the range.
    """
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
        growth_days=args.leak_growth,
        orifice=args.leak_orifice,
    )
    harmless = [event for spec in args.event for event in events.parse(spec, districts, end=end)]
    harmless += events.random_events(districts, start, end, each=args.random_events, seed=args.seed)
    broken = [sensor_faults.parse(spec, end=end) for spec in args.fault]
    broken += sensor_faults.random_faults(districts, SENSORS, start, end, each=args.random_faults, seed=args.seed)
    return Happenings(leaks, harmless, broken, args.holidays)


def _leaks(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--leak",
        action="append",
        default=[],
        metavar="DEVICE[@JUNCTION]:SIZE%:START:DAYS[,grows=DAYS][,orifice]",
        help="a leak of SIZE %% of the district's mean inflow, e.g. dma-01:8%%:2026-11-15T00:00Z:5 or, relative to the "
        "end, dma-01:8%%:-5d:5; a burst, or one that grows for days; constant, or through an orifice: with the square "
        "root of the pressure; may be repeated",
    )
    group.add_argument("--random-leaks", type=int, default=0, metavar="N", help="N leaks in each district (default: 0)")
    group.add_argument(
        "--leak-sizes",
        default="2,5,10",
        metavar="%,%",
        help="their sizes, in turn in each district from the first, in a drawn order (default: 2,5,10)",
    )
    group.add_argument("--leak-days", type=float, default=7.0, metavar="N", help="how long each runs (default: 7)")
    group.add_argument(
        "--leak-growth",
        type=float,
        default=0.0,
        metavar="DAYS",
        help="how long each of them grows; 0: bursts (default: 0)",
    )
    group.add_argument("--leak-orifice", action="store_true", help="they flow with the square root of the pressure")
    group.add_argument(
        "--quiet-days", type=float, default=0.0, metavar="N", help="days before the first of them (default: 0)"
    )


def _events(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="KIND:DEVICE[@JUNCTION]:SIZE%:START:DAYS",
        help="heat-wave:all:20%%:-10d:5 raises what is drawn, flushing:dma-01:30%%:-3d:0.1 opens a hydrant, at a share "
        "of the mean inflow; may be repeated",
    )
    group.add_argument(
        "--random-events",
        type=int,
        default=0,
        metavar="N",
        help="N of them in each district, in turn from a heat wave on (default: 0)",
    )
    group.add_argument(
        "--holidays", metavar="COUNTRY", help="keep its public holidays: BR, DE, GB, PT or US (default: none)"
    )


def _faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:DEVICE/SENSOR[=SIZE]:START:DAYS[,normal|,anomalous]",
        help="drift (SIZE a day), stuck, noise (added standard deviation), quantisation (distance of two values) or "
        "dropout (share), e.g. drift:dma-01/pressure_2_m=-0.5:-10d:10; drift and stuck are anomalous in the truth "
        "unless it says otherwise; may be repeated",
    )
    group.add_argument(
        "--random-faults",
        type=int,
        default=0,
        metavar="N",
        help=f"N of them in each district, in turn from the first: {', '.join(sensor_faults.KINDS)} (default: 0)",
    )


def _percentages(text: str) -> list[float]:
    try:
        return [float(size.strip().removesuffix("%")) / 100 for size in text.split(",")]
    except ValueError:
        raise SimulatorError(f"--leak-sizes {text}; expected percentages such as 2,5,10") from None
