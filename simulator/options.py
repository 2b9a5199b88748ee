"""The command line's options, and what they mean in words."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from simulator import meter_command, water_command

_SENT = """\
  # the last day, an hour each second, over a bad network: late, silent, spoilt, and every fifth clock wrong
  python -m simulator water --districts 20 --days 1 --speed 3600 --late 0.05:2h --gaps 0.5:3h --corrupt 0.01 \\
      --skew 0.2:90s

  # to the Pub/Sub emulator, 200 messages/s, some doubled and some spoilt
  PUBSUB_EMULATOR_HOST=localhost:8085 python -m simulator water --days 7 --sink pubsub --project demo \\
      --topic readings --rate 200 --duplicates 0.02 --poison 5
"""

_REPLAYED = """\
  # a recording of the SKAB test bed, ten readings a message
  python -m simulator replay skab:valve1/6 --batch 10 --sink stdout

  # your own meters
  python -m simulator replay meters.csv --profile my_meters.yaml --timestamp-column time --device-column meter

  # your own pump under other names, as if it ended now, its columns renamed to the profile's sensors
  python -m simulator replay pump.parquet --profile pump.yaml --rename Q=flow --rename P=pressure --end now
"""

#: the examples of each command
EXAMPLES = {
    "water": f"{water_command.EXAMPLES}\n{_SENT}",
    "meters": meter_command.EXAMPLES,
    "replay": _REPLAYED,
}


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m simulator`."""
    top = argparse.ArgumentParser(
        prog="python -m simulator",
        description="Plays a fleet of devices: sends simulated or recorded sensor readings to Pub/Sub or to files.",
        # of each command the first
        epilog=_epilog("\n".join(text.split("\n\n")[0].rstrip() + "\n" for text in EXAMPLES.values()))
        + "\nmore with python -m simulator water --help, meters --help, replay --help\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="{water,meters,replay}")
    _water(_command(commands, "water", "simulate water districts: inflow and pressures, with leaks"))
    _meters(_command(commands, "meters", "simulate hourly electricity meters: consumption, with fraud"))
    _replay(_command(commands, "replay", "replay a recording at its original times"))
    return top


def _epilog(examples: str) -> str:
    return f"examples:\n{examples}"


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=_epilog(EXAMPLES[name]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same bytes (default: 0)")
    _out(command.add_argument_group("where to"))
    _stream(command.add_argument_group("messages (not with --sink csv or parquet)"))
    _faults(command.add_argument_group("transport faults (of messages), each drawn from the seed; default: none"))
    return command


def time_range(group: argparse._ArgumentGroup, *, interval: int) -> None:
    """The options of a simulated range of time; `clock.time_range` reads them."""
    group.add_argument("--start", metavar="TIME", help="ISO 8601 in UTC, or relative to the end: --start=-14d")
    group.add_argument("--days", type=float, metavar="N", help="days before the end, in place of --start (default: 7)")
    group.add_argument(
        "--end", default=None, metavar="TIME", help="readings are before it (default: the last full hour before now)"
    )
    group.add_argument(
        "--interval", type=int, default=interval, metavar="SECONDS", help=f"of two readings (default: {interval})"
    )


def _out(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sink",
        choices=("pubsub", "csv", "parquet", "jsonl", "stdout"),
        default="stdout",
        help="a Pub/Sub topic; a folder with readings.csv, or readings.parquet, and truth.csv; a file of messages, one "
        "a line; or those lines on standard output (default: stdout)",
    )
    group.add_argument("--out", type=Path, metavar="PATH", help="csv, parquet: the folder; jsonl: the file")
    group.add_argument(
        "--project",
        default=os.environ.get("GOOGLE_CLOUD_PROJECT"),
        help="pubsub: the Google Cloud project (default: $GOOGLE_CLOUD_PROJECT)",
    )
    group.add_argument("--topic", default="readings", help="pubsub: the topic (default: readings)")
    group.add_argument(
        "--truth", type=Path, metavar="FILE", help="write what really happened here; it never travels in a message"
    )
    group.add_argument("--summary", type=Path, metavar="FILE", help="write what was sent here, as JSON")
    group.add_argument("--quiet", action="store_true", help="no progress bar")


def _stream(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--batch", type=int, default=1, metavar="N", help="readings a message (default: 1)")
    group.add_argument(
        "--rate", type=float, default=0.0, metavar="N", help="messages a second; 0: as fast as it goes (default: 0)"
    )
    group.add_argument(
        "--speed",
        type=float,
        default=0.0,
        metavar="N",
        help="N times as fast as in reality, e.g. 3600 for an hour a second; 0: as fast as it goes (default: 0)",
    )


def _faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--duplicates", type=float, default=0.0, metavar="SHARE", help="share of the messages sent twice, e.g. 0.02"
    )
    group.add_argument("--poison", type=int, default=0, metavar="N", help="send N spoilt messages in between")
    group.add_argument(
        "--corrupt", type=float, default=0.0, metavar="SHARE", help="share of the messages spoilt on the way"
    )
    group.add_argument(
        "--late",
        default="0:0s",
        metavar="SHARE:DURATION",
        help="share of the messages that come late and out of order, by up to DURATION (90s, 30m, 6h, 2d)",
    )
    group.add_argument(
        "--gaps",
        default="0:0s",
        metavar="RATE:DURATION",
        help="a device falls silent RATE times a day, for DURATION on average; what it measures then is never sent",
    )
    group.add_argument(
        "--skew",
        default="0:0s",
        metavar="SHARE:DURATION",
        help="share of the devices whose clock is wrong by a constant, of up to DURATION in either direction; at "
        "the default end, readings of one that is ahead are of the future, as they are in reality",
    )


def _water(command: argparse.ArgumentParser) -> None:
    fleet = command.add_argument_group("fleet")
    fleet.add_argument(
        "--districts",
        "--devices",
        default="1",
        metavar="N|A-B",
        help="how many, or which numbers: 20 or 41-50 (default: 1)",
    )
    time_range(fleet, interval=900)
    fleet.add_argument("--jobs", type=int, metavar="N", help="processes; the bytes stay the same (default: all cores)")
    water_command.add_options(command, fleet)


def _meters(command: argparse.ArgumentParser) -> None:
    fleet = command.add_argument_group("fleet")
    time_range(fleet, interval=3600)
    meter_command.add_options(command, fleet)


def _replay(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", help="skab:valve1/6 (downloaded if need be), or a CSV or Parquet file")
    table = command.add_argument_group("table")
    table.add_argument(
        "--profile",
        metavar="NAME|FILE",
        help="shipped, or a YAML file: names the sensor columns (skab:…: skab); the section `recording` of a file says "
        "the rest, unless one of the columns, the separator or a new name is given here",
    )
    table.add_argument("--timestamp-column", default="timestamp", metavar="NAME", help="(default: timestamp)")
    table.add_argument("--device-column", metavar="NAME", help="the column that names the device")
    table.add_argument("--device", metavar="ID", help="the device of a file of one (default: the file's name)")
    table.add_argument("--label-column", metavar="NAME", help="nonzero where a row is anomalous; truth only")
    table.add_argument("--separator", default=",", metavar="CHAR", help="between the columns of a CSV (default: ,)")
    table.add_argument(
        "--rename", action="append", default=[], metavar="COLUMN=SENSOR", help="a column is this sensor; repeatable"
    )
    part = command.add_argument_group("what is played, and when")
    part.add_argument("--devices", type=int, default=1, metavar="N", help="play each device as N of them (default: 1)")
    part.add_argument("--limit", type=int, metavar="ROWS", help="only the first rows of each device")
    part.add_argument("--days", type=float, metavar="N", help="only the first days of the recording")
    part.add_argument("--interval", type=int, metavar="SECONDS", help="only the first reading of each interval")
    when = part.add_mutually_exclusive_group()
    when.add_argument("--start", metavar="TIME", help="shift it in time, so that its first reading is at TIME")
    when.add_argument("--end", metavar="TIME", help="shift it in time, so that its last reading is at TIME: --end now")
