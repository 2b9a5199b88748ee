"""What a person is told: progress, the table of figures, and one line in the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local.chaos.verdict import Verdict


def say(console: Console, text: str) -> None:
    """One line of progress."""
    console.print(f"[dim]·[/dim] {text}", highlight=False)


@contextlib.contextmanager
def progress(console: Console, title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of readings with an outcome."""
    say(console, f"a run {title}")
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("readings with an outcome", total=total)
        yield lambda done: bar.update(task, completed=done)


def table(verdict: Verdict) -> Table:
    """All figures."""
    shown = Table(title="What was sent, what went wrong, and what it changed", title_justify="left")
    shown.add_column("what")
    shown.add_column("how many", justify="right")
    for name, number in verdict.sent.items():
        shown.add_row(f"{name} sent", f"{number:,}")
    shown.add_section()
    for name, number in sorted(verdict.disruptions.items()):
        shown.add_row(f"disrupted: {name}", f"{number:,}")
    shown.add_row("processes killed", f"{verdict.kills:,}")
    shown.add_row("outages of the store", f"{verdict.outages:,}")
    shown.add_row("starts after a death", f"{verdict.restarts:,}")
    shown.add_section()
    for name, number in verdict.outcomes.items():
        shown.add_row(f"outcome {name.replace('_', ' ')}", f"{number:,}")
    shown.add_row("sum of the outcomes", f"{sum(verdict.outcomes.values()):,}")
    shown.add_section()
    shown.add_row("decisions", f"{verdict.decisions:,}")
    shown.add_row("incidents", f"{verdict.incidents:,}")
    shown.add_row("notices", f"{verdict.notices:,}")
    shown.add_row("devices calibrated on the way", f"{verdict.calibrated:,}")
    shown.add_row("published again, alike", f"{verdict.republished:,}")
    shown.add_row("largest relative difference of a score", f"{verdict.score_apart:.0e}")
    shown.add_section()
    for name, number in verdict.faults.items():
        shown.add_row(name, f"[{'red' if number else 'green'}]{number:,}[/]")
    return shown


def conclusion(verdict: Verdict, report: Path) -> str:
    """One line, and examples of what differs."""
    times = "{:.0f} s without, {:.0f} s with".format(*verdict.seconds)
    lines = [f"  {name}: {', '.join(ids)}" for name, ids in verdict.examples.items()]
    word = "[green]✓ nothing lost, doubled or changed[/green]" if verdict.holds else "[red]✗ the runs differ[/red]"
    return "\n".join([*lines, f"{word} ({times}); figures in {report}"])
