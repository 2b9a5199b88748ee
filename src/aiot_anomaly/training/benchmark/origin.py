"""What a table's figures depend on, and how to make them again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from aiot_anomaly.profile import Profile
from aiot_anomaly.training.benchmark.contest import Contest
from aiot_anomaly.training.benchmark.results import BundleOrigin, Origin
from aiot_anomaly.training.benchmark.tables import Table
from aiot_anomaly.training.tracking import libraries

#: computes VUS-PR
FURTHER = ("aeon",)


def of(contest: Contest, seeds: Sequence[int], overrides: Mapping[str, Any], *, commit: str, seconds: float) -> Origin:
    """The origin of a table that was just made, by the code of a commit and in so many seconds."""
    return Origin(
        command=command(contest.table, seeds, overrides),
        git_commit=commit,
        made=datetime.now(UTC).replace(microsecond=0).isoformat(),
        data=str(contest.parameters["data"]),
        fingerprint=contest.dataset.fingerprint,
        source=contest.dataset.source,
        profile=contest.profile.name,
        threshold_rule=threshold_rule(contest.profile),
        held_back_rows=contest.entries[0].held_back,
        parameters=dict(contest.parameters),
        seeds=list(seeds),
        libraries=libraries() | {name: version(name) for name in FURTHER},
        seconds=round(seconds, 1),
    )


def bundle(contest: Contest) -> BundleOrigin | None:
    """The committed bundle that was judged; None where there is none."""
    if contest.bundle is None:
        return None
    manifest = contest.bundle.manifest
    return BundleOrigin(
        version=manifest.version,
        run=manifest.mlflow_run_id,
        git_commit=manifest.git_commit,
        threshold=manifest.threshold.value,
        method=manifest.threshold.method,
        same_data=manifest.data_fingerprint == contest.dataset.source,
    )


def command(table: Table, seeds: Sequence[int], overrides: Mapping[str, Any]) -> str:
    """What makes the table again: the task, or the command line where somebody chose otherwise."""
    if tuple(seeds) == table.seeds and not overrides:
        return f"make benchmark-{table.name}"
    chosen = [f"-p {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in sorted(overrides.items())]
    if tuple(seeds) != table.seeds:
        chosen.insert(0, f"--seeds {' '.join(map(str, seeds))}")
    return f"python -m aiot_anomaly.training benchmark {table.name} {' '.join(chosen)}"


def threshold_rule(profile: Profile) -> str:
    """The rule of the profile and what it goes by, as its file has it."""
    given = profile.threshold
    by = "false_incidents_per_month" if given.rule == "budget" else "quantile"
    named = {by: getattr(given, by), **({} if given.margin == 1 else {"margin": given.margin})}
    rule = "" if given.rule == by else f"{given.rule}: "
    return rule + ", ".join(f"{name} {value}" for name, value in named.items())
