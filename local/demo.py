"""The demo: the whole pipeline on real input, from devices to incidents, on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aiot_anomaly import paths
from aiot_anomaly.datasets import skab
from functions.sqlite_store import SqliteStore
from functions.store import Totals
from local import stack as stacks
from local import story, summary, tables
from local.collector import Collected, collecting
from local.pubsub import emulator, resources
from local.report import Report
from local.stack import Stack
from local.story import Part
from simulator.publisher import Summary, publish
from simulator.sinks import PubSubSink

#: of the messages that are sent a second time, to show that nothing is decided twice
DUPLICATES = 0.05
POISON = 3
STEADY_RATE = 20.0
#: without any new outcome for so long, the demo gives up
STALLED_AFTER_S = 60.0


@dataclass
class Sent:
    """What was published so far."""

    rows: int = 0
    messages: int = 0
    duplicates: int = 0
    poison: int = 0

    def add(self, sent: Summary) -> None:
        """Adds what a publishing run sent."""
        if sent.interrupted:
            raise KeyboardInterrupt
        self.rows += sent.rows_published
        self.messages += sent.messages
        self.duplicates += sent.duplicates
        self.poison += sent.poison


@dataclass
class Demo:
    """A run of the demo.

    Attributes:
        console: where it tells what it does.
        folder: for logs and the function's store.
        report: where the report is written.
        kind: which Pub/Sub.
        models: the folder of bundles, `serving/models` if None.
    """

    console: Console
    folder: Path
    report: Path
    kind: emulator.Kind = "auto"
    models: Path | None = None
    sent: Sent = field(default_factory=Sent)
    _strides: dict[str, int] = field(default_factory=dict)

    def run(self) -> bool:
        """Runs it; True when every published row has exactly one outcome."""
        began = time.monotonic()
        with stacks.running(self.folder, kind=self.kind, models=self.models, say=self.say) as stack:
            self.say(f"Pub/Sub ({stack.pubsub_kind}) {stack.pubsub}, API {stack.api}, function {stack.function}")
            store = SqliteStore(stack.store)
            try:
                with collecting(stack.project) as collected:
                    parts = self._publish_all(stack)
                    totals = self._wait(stack, store, collected)
                    steady = self._steady(stack, store, collected, real=len(parts) > 1)
                    totals = store.totals() if steady is None else steady
            finally:
                store.close()
        return self._conclude(stack, parts, totals, collected, time.monotonic() - began)

    def say(self, text: str) -> None:
        """One line of progress."""
        self.console.print(f"[dim]·[/dim] {text}", highlight=False)

    def _publish_all(self, stack: Stack) -> list[Part]:
        self.say("simulating two water districts over three weeks, one with a leak (hydraulics from EPANET)")
        parts = [story.districts()]
        real = story.test_bed(self.say)
        if real is not None:
            parts.append(real)
        for seed, part in enumerate(parts):
            names = ", ".join(r.device_id for r in part.recordings)
            self.say(f"publishing {part.rows:,} readings of {names} ({part.profile.title})")
            self._publish(stack, part, duplicates=DUPLICATES, poison=POISON, seed=seed)
        return parts

    def _publish(
        self, stack: Stack, part: Part, *, rate: float = 0.0, duplicates: float = 0.0, poison: int = 0, seed: int = 0
    ) -> None:
        stack.check()
        self._strides[part.profile.name] = part.profile.window.stride
        sink = PubSubSink(stack.project, resources.READINGS)
        sent = publish(
            part.recordings,
            part.profile,
            sink,
            batch=part.batch,
            rate=rate,
            duplicates=duplicates,
            poison=poison,
            seed=seed,
            progress=True,
        )
        self.sent.add(sent)

    def _wait(self, stack: Stack, store: SqliteStore, collected: Collected) -> Totals:
        """Waits until every published row has its outcome and what follows from it has come out of Pub/Sub."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task("readings with an outcome", total=self.sent.rows)
            seen, since = -1, time.monotonic()
            while True:
                stack.check()
                totals = store.totals()
                progress.update(task, completed=totals.readings)
                arrived = totals.readings + totals.parked_messages + len(collected.decisions) + len(collected.parked)
                if self._settled(store, totals, collected):
                    return totals
                if arrived != seen:
                    seen, since = arrived, time.monotonic()
                if time.monotonic() - since > STALLED_AFTER_S:
                    self.say(f"[red]nothing new for {STALLED_AFTER_S:.0f} s, giving up waiting[/red]")
                    return totals
                time.sleep(0.1)

    def _settled(self, store: SqliteStore, totals: Totals, collected: Collected) -> bool:
        # a decision stands for as many readings as its profile's stride
        decisions = sum(-(-store.totals(name).outcomes["decided"] // stride) for name, stride in self._strides.items())
        return (
            totals.readings >= self.sent.rows
            and totals.parked_messages >= self.sent.poison
            and len(collected.parked) >= self.sent.poison
            and len(collected.decisions) >= decisions
        )

    def _steady(self, stack: Stack, store: SqliteStore, collected: Collected, *, real: bool) -> Totals | None:
        if not real:
            self.say("no latency at a steady rate: it is measured with the real recording")
            return None
        part = story.steady()
        self.say(f"publishing {part.rows} further readings one by one, {STEADY_RATE:.0f} a second, for the latency")
        self._publish(stack, part, rate=STEADY_RATE)
        return self._wait(stack, store, collected)

    def _conclude(self, stack: Stack, parts: list[Part], totals: Totals, collected: Collected, seconds: float) -> bool:
        truth = [t for p in parts for t in p.truth]
        decisions = collected.decisions.values()
        devices = {
            p.profile.name: [summary.device_summary(r.device_id, decisions, truth) for r in p.recordings] for p in parts
        }
        # the others were published as fast as it goes: their latency is that of a queue
        latencies = collected.latencies.get(skab.device_id(story.SKAB_STEADY), [])
        latency = summary.percentiles(latencies)
        balanced = totals.readings == self.sent.rows and totals.parked_messages == self.sent.poison
        self.console.print(tables.devices(devices))
        self.console.print(tables.outcomes(totals, self.sent.rows, self.sent.poison, len(collected.decisions)))
        if latency:
            told = ", ".join(f"{name} {value:.0f} ms" for name, value in latency.items())
            self.console.print(f"From publishing a reading to its decision, at {STEADY_RATE:.0f} a second: {told}")
        Report(
            parts=parts,
            devices=devices,
            totals=totals,
            sent_rows=self.sent.rows,
            sent_poison=self.sent.poison,
            latency=latency,
            latencies=latencies,
            pubsub_kind=stack.pubsub_kind,
            seconds=seconds,
        ).write(self.report)
        shown = self.report.relative_to(paths.root()) if self.report.is_relative_to(paths.root()) else self.report
        self.console.print(f"Plots: {shown}   ({seconds:.0f} s)")
        if balanced:
            self.console.print(f"[green]✓[/green] {self.sent.rows:,} rows published = {totals.readings:,} outcomes")
        else:
            self.console.print(
                f"[red]✗ {self.sent.rows:,} rows and {self.sent.poison} spoilt messages published, but "
                f"{totals.readings:,} outcomes, {totals.pending:,} pending, {totals.parked_messages} parked; "
                f"logs: {self.folder}[/red]"
            )
        return balanced
