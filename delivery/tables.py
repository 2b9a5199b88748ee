"""Delivery's tables, as the terminal and the log of a workflow show them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from delivery.rollout import Outcome
from delivery.service import Revision, Snapshot
from delivery.smoke import SmokeReport


def smoke(report: SmokeReport) -> Table:
    """What was checked, and what was found."""
    table = Table("", "check", "found", title=f"Smoke test of {report.url}", title_justify="left")
    for check in report.checks:
        table.add_row("✓" if check.passed else "✗", check.subject, check.found)
    table.add_section()
    table.add_row("", "latency", report.latency)
    return table


def outcome(found: Outcome) -> Table:
    """Each step of a roll-out, and its verdict."""
    table = Table("", "step", "found", title=f"Roll-out of {found.revision or 'nothing'}", title_justify="left")
    if found.smoke is not None:
        text = found.smoke.latency if found.smoke.passed else found.smoke.failures
        table.add_row("✓" if found.smoke.passed else "✗", "smoke test", text)
    for percent, verdict in found.verdicts.items():
        sign = {"healthy": "✓", "failing": "✗", "too_few": "?"}[verdict.kind]
        table.add_row(sign, f"{percent} % of the traffic", verdict.because)
    table.add_section()
    table.add_row("✓" if found.promoted else "✗", "outcome", found.because)
    return table


def revisions(state: Snapshot, found: Sequence[Revision]) -> Table:
    """The revisions, the newest first: what each serves and how much traffic it has."""
    table = Table("revision", "created", "state", title=f"Revisions of {state.url}", title_justify="left")
    table.add_column("traffic", justify="right")
    for name in ("tag", "bundles", "commit"):
        table.add_column(name)
    for r in found:
        share, tags = state.share(r.name), [t.tag for t in state.traffic if t.revision == r.name and t.tag]
        table.add_row(
            r.name,
            f"{r.created:%Y-%m-%d %H:%M}",
            "ready" if r.ready else f"not ready: {r.why}",
            f"{share} %" if share else "–",
            ", ".join(tags),
            "\n".join(f"{p}@{v}" for p, v in sorted(r.bundles.items())),
            r.commit[:12],
        )
    return table
