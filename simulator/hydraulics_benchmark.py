"""How fast water districts are simulated, and in how much memory.

`python -m simulator.hydraulics_benchmark` runs the command line's `water` in a process of its own, as Parquet, for each
network: at two durations, so that what starting costs is known apart from what a district and week costs, and so that
memory can be seen not to grow. From both follows how long 100 districts take over 8 weeks.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from simulator.networks import NETWORKS

#: what is promised, and at which settings: minutes for so many districts and weeks
_DISTRICTS, _WEEKS, _INTERVAL_S = 100, 8, 300
#: the last reading of all runs, so that they differ in their duration alone
_END = "2026-06-01T00:00Z"
#: seconds between two looks at the processes
_LOOK_S = 0.1


@dataclass(frozen=True)
class Run:
    """One measurement.

    Attributes:
        district_weeks: that were simulated.
        wall_s: seconds that it took, with the start of its processes.
        cpu_s: seconds of all its processes together; like the memory NaN on a system without /proc.
        peak_mib: the largest resident sets of all its processes together; what they share counts in each.
    """

    district_weeks: int
    wall_s: float
    cpu_s: float
    peak_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    """Prints both networks' figures and returns 0; 1 where a number makes no sense, or a simulation failed."""
    parser = argparse.ArgumentParser(prog="python -m simulator.hydraulics_benchmark", description=__doc__)
    parser.add_argument("--districts", type=int, default=6, metavar="N", help="(default: 6)")
    parser.add_argument("--weeks", type=int, default=2, metavar="N", help="of the shorter run (default: 2)")
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
        begin, used = time.perf_counter(), dict[str, tuple[float, float]]()
        with (
            Path(folder, "log").open("w+b") as log,
            subprocess.Popen(  # noqa: S603 - this interpreter, with the words above
                [sys.executable, "-m", "simulator", *fleet.split(), *how.split(), folder],
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            while process.poll() is None:
                used |= _used(process.pid)
                time.sleep(_LOOK_S)
            wall = time.perf_counter() - begin
            if process.returncode:
                log.seek(0)
                raise subprocess.CalledProcessError(process.returncode, fleet, stderr=log.read())
    cpu, peaks = zip(*used.values(), strict=True) if used else ((math.nan,), (math.nan,))
    return Run(districts * weeks, wall, sum(cpu), sum(peaks))


def _used(session: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and largest resident set in MiB, so far, of each process of a session."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        # one may end while it is looked at
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                peak = re.search(r"^VmHWM:\s+(\d+) kB$", (folder / "status").read_text(), re.MULTILINE)
                if peak:
                    found[folder.name] = ticks, int(peak[1]) / 1024
    return found


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
    cpu = long.cpu_s + (long.cpu_s - short.cpu_s) / (long.district_weeks - short.district_weeks) * (
        _DISTRICTS * _WEEKS - long.district_weeks
    )
    whole = f"  {_DISTRICTS} districts x {_WEEKS} weeks: {projected / 60:.1f} minutes, {cpu:.0f} s of CPU"
    lines += [whole] if each > 0 else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
