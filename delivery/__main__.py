"""`python -m delivery {smoke,rollout,rollback,revisions}`: test and deliver the API.

Exit status: 0 done; 1 not (the smoke test failed, the roll-out was rolled back, or an error, in one line on stderr);
2 wrong usage; 130 stopped by Ctrl-C or SIGTERM, after the traffic was restored.

CLOUD_RUN_EMULATOR_HOST=host:port names a stand-in of Cloud Run and Cloud Monitoring (`python -m local.cloud_run`).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from pydantic import ValidationError
from rich.console import Console

from aiot_anomaly.errors import AIoTError
from delivery import identity, labels, rollback, smoke, tables
from delivery.cloud_run import CloudRun
from delivery.errors import ChoiceError
from delivery.request_metrics import RequestMetrics
from delivery.rollout import Policy, Rollout
from delivery.smoke import SmokeReport
from delivery.verdict import Limits

INTERRUPTED = 130
ENDPOINT_VARIABLE = "CLOUD_RUN_EMULATOR_HOST"
MODELS = Path("serving/models")
_POLICY = Policy()


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__, formatter_class=form)
    commands = parser.add_subparsers(dest="command", required=True)

    tested = commands.add_parser("smoke", help="test a running API with the golden windows of its bundles")
    tested.add_argument("url", help="base URL of the API")
    tested.add_argument("--audience", help="of the ID token, where it is not the URL (a tag's URL needs the service's)")
    tested.add_argument("--no-auth", action="store_true", help="send no ID token; plain http never does")
    tested.add_argument("--wait", type=float, default=60.0, metavar="S", help="to become ready (%(default)s)")

    rolled = commands.add_parser("rollout", help="deploy an image, test it, and move the traffic while it holds")
    rolled.add_argument("--image", required=True, metavar="REPOSITORY@sha256:DIGEST")
    rolled.add_argument("--commit", metavar="SHA", help="that the image was built from")
    rolled.add_argument("--percent", type=int, default=_POLICY.percent, help="of the first step (%(default)s)")
    rolled.add_argument("--watch", type=float, default=_POLICY.watch_s, metavar="S", help="each step (%(default)s)")
    rolled.add_argument(
        "--delay", type=float, default=_POLICY.delay_s, metavar="S", help="until requests are counted (%(default)s)"
    )
    rolled.add_argument("--poll", type=float, default=_POLICY.poll_s, metavar="S", help="of the counts (%(default)s)")
    rolled.add_argument(
        "--least-requests",
        type=int,
        default=_POLICY.limits.least_requests,
        metavar="N",
        help="with fewer, a step proves nothing (%(default)s)",
    )
    rolled.add_argument(
        "--when-quiet",
        choices=("go-on", "rollback"),
        default=_POLICY.when_quiet,
        help="what too few requests mean (%(default)s)",
    )

    back = commands.add_parser("rollback", help="give all traffic to an earlier revision")
    chosen = back.add_mutually_exclusive_group()
    chosen.add_argument("--revision", metavar="NAME", help="by name")
    chosen.add_argument(
        "--bundle", metavar="PROFILE@VERSION", help="that serves it or served before, else the newest with it"
    )
    chosen.add_argument(
        "--unfinished", action="store_true", help="only what a roll-out that was cut off left half done"
    )

    listed = commands.add_parser("revisions", help="list the revisions, what they serve and their traffic")

    for command in (tested, rolled):
        command.add_argument(
            "--models", type=Path, default=MODELS, metavar="FOLDER", help="the bundles that it must serve (%(default)s)"
        )
        command.add_argument(
            "--account", metavar="EMAIL", help="service account to call the API as, where the caller is none itself"
        )
    for command in (rolled, back, listed):
        for name in ("project", "region", "service"):
            command.add_argument(f"--{name}", required=True)
    return parser


def _smoke(options: argparse.Namespace, console: Console) -> int:
    _check_url(options.url)
    anonymous = options.no_auth or not options.url.startswith("https://")
    headers = {} if anonymous else identity.headers(options.audience or options.url, options.account)
    report = smoke.run(options.url, smoke.load(options.models), headers=headers, wait_s=options.wait)
    console.print(tables.smoke(report))
    return 0 if report.passed else 1


def _check_url(text: str) -> None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ChoiceError(f"found URL {text}, expected the API's, such as http://127.0.0.1:8080")


def _rollout(options: argparse.Namespace, console: Console) -> int:
    policy = Policy(
        percent=options.percent,
        watch_s=options.watch,
        delay_s=options.delay,
        poll_s=options.poll,
        limits=Limits(least_requests=options.least_requests),
        when_quiet=options.when_quiet,
    )
    bundles = smoke.load(options.models)
    told = labels.of(bundles, options.commit)

    def test(url: str, audience: str) -> SmokeReport:
        # a token lives for an hour, so each test gets one of its own
        headers = identity.headers(audience, options.account) if url.startswith("https://") else {}
        return smoke.run(url, bundles, headers=headers)

    endpoint = os.environ.get(ENDPOINT_VARIABLE)
    metrics = RequestMetrics(options.project, options.region, options.service, endpoint=endpoint)
    found = Rollout(_cloud(options), metrics, test, policy, _say(console)).run(options.image, told)
    if found.smoke is not None and not found.smoke.passed:
        console.print(tables.smoke(found.smoke))
    console.print(tables.outcome(found))
    return 0 if found.promoted else 1


def _rollback(options: argparse.Namespace, console: Console) -> int:
    cloud = _cloud(options)
    choice: rollback.Choice | None = rollback.Choice(revision=options.revision, bundle=options.bundle)
    if options.unfinished:
        choice = rollback.unfinished(cloud)
    if choice is None:
        console.print("no roll-out was cut off: nothing to do")
        return 0
    done = rollback.roll_back(cloud, choice)
    before = "as before" if done.instead_of == done.serves else f"instead of {done.instead_of}"
    console.print(f"{done.serves} serves all traffic, {before}")
    if done.advice:
        console.print("the branch still holds what was rolled back, and the next push would deliver it again; first:")
        for line in done.advice:
            console.print(f"  {line}", soft_wrap=True, highlight=False)
    return 0


def _revisions(options: argparse.Namespace, console: Console) -> int:
    cloud = _cloud(options)
    console.print(tables.revisions(cloud.read(), cloud.revisions()))
    return 0


def _cloud(options: argparse.Namespace) -> CloudRun:
    return CloudRun(options.project, options.region, options.service, endpoint=os.environ.get(ENDPOINT_VARIABLE))


def _say(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(f"[dim]·[/dim] {text}", highlight=False, soft_wrap=True)


def _interrupt(_signal: int, _frame: object) -> None:
    """The first signal interrupts; what comes after it must not cut off the rollback that follows."""
    for name in (signal.SIGINT, signal.SIGTERM):
        # not SIG_IGN: Python complains of a signal that came before it was set
        signal.signal(name, lambda *_: None)
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit status, see above."""
    options = _parser().parse_args(arguments)
    # GitHub Actions sends SIGINT when a run is cancelled, and SIGTERM 7.5 s later
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _interrupt)
    # a log has no width of its own, and 80 columns cut the tables
    console = Console(width=None if sys.stdout.isatty() else 140)
    commands = {"smoke": _smoke, "rollout": _rollout, "rollback": _rollback, "revisions": _revisions}
    try:
        return commands[options.command](options, console)
    except KeyboardInterrupt:
        console.print("stopped")
        return INTERRUPTED
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        print(f"error: {'.'.join(map(str, fault['loc']))}: {fault['msg']}, found {fault['input']}", file=sys.stderr)
        return 2
    except AIoTError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
