"""How fast water districts are simulated, and in how much memory.

`python -m simulator.hydraulics_benchmark` runs the command line's `water` in a process of its own, as Parquet, for each
network: at two durations, so that what starting costs is known apart from what a district and week costs, and so that
memory can be seen not to grow. From both follows how long 100 districts take over 8 weeks.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.networks import NETWORKS

#: what is promised, and at which settings: minutes for so many districts and weeks
_DISTRICTS, _WEEKS, _INTERVAL_S = 100, 8, 300
#: the last reading of all runs, so that they differ in their duration alone
_END = "2026-06-01T00:00Z"
_PEAK = re.compile(rb"^peak (\d+)$", re.MULTILINE)
#: runs the command line, then tells the largest resident set, in KiB, of itself and of each of its processes
_MEASURED = """\
import resource, sys
from simulator.cli import main
if __name__ == "__main__":
    status = main(sys.argv[1:])
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sys.stderr.write(f"peak {max(own, others)}\\n")
    sys.exit(status)
"""


@dataclass(frozen=True)
class Run:
    """One measurement.

    Attributes:
        district_weeks: that were simulated.
        wall_s: seconds that it took, with the start of its processes.
        cpu_s: seconds of all its processes together.
        peak_mib: memory of the largest of its processes.
    """

    district_weeks: int
    wall_s: float
    cpu_s: float
    peak_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    """Prints both networks' figures and returns 0; 1 where a number makes no sense, or a simulation failed."""
    parser = argparse.ArgumentParser(prog="python -m simulator.hydraulics_benchmark", description=__doc__)
    parser.add_argument("--districts", type=int, default=6, metavar="N", help="(default: 6)")
    parser.add_argument("--weeks", type=int, default=4, metavar="N", help="of the shorter run (default: 4)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="(default: all cores)")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="(default: both)")
    args = parser.parse_args(argv)
    if min(args.districts, args.weeks, args.jobs) < 1:
        sys.stderr.write("hydraulics_benchmark: expected one district, week and process at least\n")
        return 1
    for network in args.networks:
        try:
            short, long = (measured(network, args.districts, k * args.weeks, args.jobs) for k in (1, 2))
        except subprocess.CalledProcessError as e:
            sys.stderr.write(e.stderr.decode(errors="replace"))
            return 1
        sys.stdout.write(report(network, args.districts, args.jobs, short, long))
    return 0


def measured(network: str, districts: int, weeks: int, jobs: int) -> Run:
    """Runs the command line once, at the promise's interval, streamed to Parquet.

    Raises:
        CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="aiot-benchmark-") as folder:
        fleet = f"water --network {network} --districts {districts} --days {7 * weeks} --end {_END}"
        how = f"--interval {_INTERVAL_S} --jobs {jobs} --quiet --sink parquet --out"
        begin, cpu = time.perf_counter(), os.times()
        done = subprocess.run(  # noqa: S603 - this interpreter, with the words above
            [sys.executable, "-c", _MEASURED, *fleet.split(), *how.split(), folder], capture_output=True, check=True
        )
        wall, after = time.perf_counter() - begin, os.times()
    used = after.children_user - cpu.children_user + after.children_system - cpu.children_system
    peak = _PEAK.search(done.stderr)
    return Run(districts * weeks, wall, used, int(peak[1]) / 1024 if peak else float("nan"))


def report(network: str, districts: int, jobs: int, short: Run, long: Run) -> str:
    """The figures of two runs of which one is longer, as text."""
    each = (long.wall_s - short.wall_s) / (long.district_weeks - short.district_weeks)
    start = max(0.0, short.wall_s - each * short.district_weeks)
    projected = start + each * _DISTRICTS * _WEEKS
    lines = [f"{network}, {districts} districts, {_INTERVAL_S} s interval, {jobs} processes, to Parquet"]
    lines += [
        f"  {r.district_weeks // districts:3} weeks  {r.wall_s:7.1f} s  {r.cpu_s:7.1f} s of CPU  "
        f"{r.district_weeks / r.wall_s:6.2f} districts x weeks/s  peak {r.peak_mib:5.0f} MiB"
        for r in (short, long)
    ]
    lines += [f"  {1 / each:.2f} districts x weeks/s once started" if each > 0 else "  too short to tell the rate"]
    lines += [f"  {_DISTRICTS} districts x {_WEEKS} weeks: {projected / 60:.1f} minutes"] if each > 0 else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
