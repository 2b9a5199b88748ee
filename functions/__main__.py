"""`python -m functions {show,maintenance,recalibrate,upgrade,redrive}`: what an operator does by hand.

It works on the store and the topics that PROJECT, STORE and, for an emulator, PUBSUB_EMULATOR_HOST name, beside the
function that is at work.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiot_anomaly import closed_pipe
from aiot_anomaly.errors import AIoTError
from aiot_anomaly.windows import as_datetime
from functions import administration
from functions.errors import SettingsError, UsageError
from functions.publisher import Publisher
from functions.redrive import MOST_REDRIVES, Chosen, Found, Redrive
from functions.service import open_store
from functions.settings import Settings
from functions.store import WindowStore

INTERRUPTED = 130
#: a maintenance is no later, as a reading is not, and no longer
LATEST = 2200
LONGEST = timedelta(days=3650)
#: of the readings that no attempt took in, and of the messages that were none
SUBSCRIPTIONS = {"dead": "readings-dead-pull", "parked": "readings-parked-pull"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m functions", description=__doc__)
    parser.add_argument("--project", help="of the topics and the store (default: PROJECT or GOOGLE_CLOUD_PROJECT)")
    parser.add_argument("--store", help="firestore:<database>, or the path of an SQLite file (default: STORE)")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="what is known of a device")
    maintenance = commands.add_parser("maintenance", help="open no incident of a device for a time")
    recalibrate = commands.add_parser("recalibrate", help="learn anew what is normal for a device, after work on it")
    for command in (show, maintenance, recalibrate):
        command.add_argument("profile", help="such as leak")
        command.add_argument("device", help="such as dma-07")
    maintenance.add_argument("--from", dest="begin", type=_time, help="ISO 8601 with a zone (default: now)")
    until = maintenance.add_mutually_exclusive_group(required=True)
    until.add_argument("--until", type=_time, help="ISO 8601 with a zone, such as 2026-11-22T19:00:00Z")
    until.add_argument("--hours", type=_hours, help="so long after its beginning")
    until.add_argument("--end", action="store_true", help="it is over: open incidents again")
    recalibrate.add_argument(
        "--trust",
        action="store_true",
        help="its readings are normal from now on, whatever the fleet's calibration is",
    )
    commands.add_parser("upgrade", help="after an update: have the sweep look after devices that sent nothing since")
    redrive = commands.add_parser("redrive", help="publish dead letters or parked messages again, after a fix")
    redrive.add_argument("--project", default=argparse.SUPPRESS, help="as above")
    redrive.add_argument("source", choices=sorted(SUBSCRIPTIONS))
    redrive.add_argument("--go", action="store_true", help="publish them; without it they are only counted")
    redrive.add_argument("--most", type=_count, default=1_000, help="messages to look at (default: %(default)s)")
    redrive.add_argument("--profile", help="only those of this profile")
    redrive.add_argument("--code", help="only those parked for this reason, such as unknown_profile")
    redrive.add_argument("--environment", help="that ends the names of topics, such as dev (default: none)")
    return parser


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time, expected one such as 2026-11-22T19:00:00Z") from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no zone: end it with Z for UTC")
    if not 1970 < time.year < LATEST:
        raise argparse.ArgumentTypeError(f"{text} is not of our time, expected one from 1971 until {LATEST}")
    return time


def _hours(text: str) -> timedelta:
    try:
        length = timedelta(hours=float(text))
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is no number of hours, expected one such as 4 or 0.5") from None
    if length > LONGEST:
        raise argparse.ArgumentTypeError(f"{text} hours are {length.days:,} days, expected {LONGEST.days:,} at most")
    return length


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of messages, expected 1 or more")
    return int(text)


def _setting(options: argparse.Namespace, name: str, *variables: str) -> str:
    found = getattr(options, name) or next((os.environ[v] for v in variables if os.environ.get(v)), None)
    if not found:
        raise SettingsError(f"no {name}: give --{name}, or set {' or '.join(variables)}")
    return str(found)


def _store(options: argparse.Namespace) -> WindowStore:
    given = _setting(options, "store", "STORE")
    # SQLite makes the file that it does not find, which here would only hide a mistake
    project = _setting(options, "project", "PROJECT", "GOOGLE_CLOUD_PROJECT") if ":" in given else "none"
    settings = Settings.from_environment({"API_URL": "http://unused", "PROJECT": project, "STORE": given})
    return open_store(settings, must_exist=True)


def _redrive(options: argparse.Namespace) -> int:
    project = _setting(options, "project", "PROJECT", "GOOGLE_CLOUD_PROJECT")
    publisher = Publisher(project, timeout_s=30)
    suffix = f"-{options.environment}" if options.environment else ""
    subscription = SUBSCRIPTIONS[options.source] + suffix
    redrive = Redrive(project, subscription, f"readings{suffix}", publisher)
    try:
        found = redrive.run(
            Chosen(options.profile, options.code), most=options.most, go=options.go, progress=_show_progress
        )
    finally:
        redrive.close()
        publisher.close()
    _print_found(found, subscription, options.go)
    return 0


def _show_progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} of {of:,} published", end="\n" if done == of else "", file=sys.stderr)


def _print_found(found: Found, subscription: str, go: bool) -> None:
    print(f"{found.messages:,} messages looked at in {subscription}")
    for (profile, code), n in sorted(found.reasons.items()):
        print(f"  {n:,} of profile {profile or '(none)'}{f', parked for {code}' if code else ''}")
    if found.others:
        print(f"  {found.others:,} others, left where they are")
    if found.given_up:
        print(f"  {found.given_up:,} came back {MOST_REDRIVES} times, and are left where they are: look at one")
    if not go:
        print(f"{found.again:,} would be published again: --go does it")
    else:
        print(f"{found.again:,} published again")
    if found.more:
        print("there may be more: run it again, or raise --most")


def _upgrade(options: argparse.Namespace) -> int:
    store = _store(options)
    try:
        found = store.bring_up()
    finally:
        store.close()
    print(f"{found:,} devices that sent nothing since an older release are looked after from the next sweep on")
    return 0


def _device(options: argparse.Namespace) -> int:
    store, named = _store(options), (options.profile, options.device)
    try:
        if options.command == "maintenance" and options.end:
            administration.end_maintenance(store, *named)
        elif options.command == "maintenance":
            begin = options.begin or datetime.now(UTC)
            end = options.until or begin + options.hours
            if end <= begin:
                raise UsageError(f"it would end at {end.isoformat()}, before it begins at {begin.isoformat()}")
            administration.set_maintenance(store, *named, begin, end)
        elif options.command == "recalibrate":
            administration.recalibrate(store, *named, trusted=options.trust)
        for line in _lines(store, *named):
            print(line)
    finally:
        store.close()
    return 0


def _lines(store: WindowStore, profile: str, device: str) -> list[str]:
    state = administration.find(store, profile, device)
    known, tracker = state.learning, state.tracker
    during = state.maintenance
    outcomes = ", ".join(f"{n:,} {name}" for name, n in state.outcomes.items())
    whose = "learns its own" if known.active else f"{known.source or 'none used'} by the last decision"
    return [
        f"{profile}/{device}",
        f"  last message     {_at(state.seen_at or None)}{', silent' if state.silent_at is not None else ''}",
        f"  readings         {outcomes}, {state.pending} pending",
        f"  open incident    {'since ' + _at(tracker.opened_at) if tracker.opened_at is not None else 'none'}",
        f"  maintenance      {f'{_at(during[0])} until {_at(during[1])}' if during else 'none'}",
        f"  calibration      {f'its own, {known.calibration}' if known.calibration else whose}",
        f"  model            {state.model_version or 'none yet'}",
    ]


def _at(seconds: int | None) -> str:
    return "never" if seconds is None else f"{as_datetime(seconds):%Y-%m-%dT%H:%M:%SZ}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command: 0 done, 1 failed (one line on stderr says why), 130 stopped by Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        done = {"redrive": _redrive, "upgrade": _upgrade}.get(options.command, _device)(options)
        sys.stdout.flush()
        return done
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        closed_pipe.give_up_standard_output()
        return closed_pipe.PIPE_CLOSED
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
