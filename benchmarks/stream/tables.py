"""Results as tables: in the terminal, in docs/stream.md and in the READMEs."""

from __future__ import annotations

from pathlib import Path

from aiot_anomaly.training.benchmark import markdown
from aiot_anomaly.training.benchmark.words import ENGLISH, Language
from benchmarks import documents
from benchmarks.stream import plot, prose
from benchmarks.stream.goals import goals
from benchmarks.stream.results import FIRESTORE, SKELETON, SQLITE, Rate, Results
from benchmarks.stream.system import PROFILE, THREADS

COMMAND = "make bench-stream"
_HEADS = {
    False: ["", "messages/s", "beside the skeleton", "readings/s, 50 a message", "p50 at 60 %", "p95", "p99"],
    True: ["", "mensagens/s", "ao lado do esqueleto", "leituras/s, 50 por mensagem", "p50 a 60 %", "p95", "p99"],
}
_PORTUGUESE = {"bare": "vazia", SKELETON: "esqueleto", SQLITE: "função, SQLite", FIRESTORE: "função, Firestore"}


def overview(results: Results, language: Language = ENGLISH) -> str:
    """Every contender."""
    rows = []
    for name, rate in results.single.items():
        title = _PORTUGUESE[name] if language.portuguese else name
        fifty, latency = results.fifty.get(name), results.latencies.get(name)
        cells = [
            f"{rate.messages_per_s:,.0f}",
            f"{results.ratio(name, SKELETON):.0%}",
            f"{fifty.readings_per_s:,.0f}" if fifty else "–",
            *((f"{q:,.0f} ms" for q in (latency.p50_ms, latency.p95_ms, latency.p99_ms)) if latency else ["–"] * 3),
        ]
        rows.append([f"**{title}**" if name == SQLITE else title, *(language.number(c) for c in cells)])
    return markdown.table(_HEADS[language.portuguese], rows)


def rates(results: Results) -> str:
    """What waits is worked off."""
    rows = []
    for name, rate in results.single.items():
        fifty = results.fifty.get(name)
        rows.append(
            [name, *_rate(rate), f"{results.ratio(name, SKELETON):.0%}", *(_rate(fifty) if fifty else ["–"] * 3)]
        )
    one, many = ("messages/s", "lowest to highest", "CPU of the process a message"), "50 readings each: "
    return markdown.table(
        ["", *one, "beside the skeleton", *(many + o if i == 0 else o for i, o in enumerate(one))], rows
    )


def _rate(rate: Rate) -> list[str]:
    return [
        f"{rate.messages_per_s:,.0f}",
        f"{min(rate.rounds):,.0f} to {max(rate.rounds):,.0f}",
        f"{rate.cpu_ms:.1f} ms",
    ]


def latencies(results: Results) -> str:
    """At 60 %."""
    rows = [
        [name, f"{x.rate:,.0f}", *(f"{q:,.0f} ms" for q in (x.p50_ms, x.p95_ms, x.p99_ms)), f"{x.behind_ms:,.0f} ms"]
        for name, x in results.latencies.items()
    ]
    return markdown.table(["", "messages/s", "p50", "p95", "p99", "generator late by at most"], rows)


def steps(results: Results) -> str:
    """By store, and with more devices."""
    columns = {**results.steps, **{f"{size.devices:,} devices": size.steps for size in results.grown}}
    names = [step.name for step in next(iter(columns.values()))]
    rows = []
    for name in names:
        found = [next((s for s in steps if s.name == name), None) for steps in columns.values()]
        rows.append([name, *(f"{s.wall_ms:.2f} ({s.cpu_ms:.2f})" if s else "–" for s in found)])
    sums = [sum(s.wall_ms for s in steps) for steps in columns.values()]
    rows.append(["all", *(f"{total:.2f}" for total in sums)])
    return markdown.table(["", *columns], rows)


def grown(results: Results) -> str:
    """With more and more devices."""
    rows = [
        [
            f"{s.devices:,}",
            *_rate(s.rate),
            *(f"{q:,.0f} ms" for q in (s.latency.p50_ms, s.latency.p95_ms, s.latency.p99_ms)),
        ]
        for s in results.grown
    ]
    head = ["devices stored", "messages/s", "lowest to highest", "CPU of the process a message", "p50", "p95", "p99"]
    return markdown.table(head, rows, text=0)


def document(results: Results) -> str:
    """docs/stream.md: every figure."""
    found = goals(results)
    goal_rows = [[g.what, g.wanted, g.found, "met" if g.met else "**missed**"] for g in found]
    setup = prose.SETUP.format(**results.machine.model_dump(), profile=PROFILE)
    parts = [
        *(prose.TITLE, setup, overview(results)),
        *(prose.RATES.format(threads=THREADS), rates(results), prose.LATENCIES, latencies(results)),
        *(prose.STEPS, steps(results), prose.GROWN, grown(results)),
        f"## Goals: {sum(g.met for g in found)} of {len(found)} met",
        markdown.table(["", "wanted", "found", ""], goal_rows, text=4),
    ]
    return "\n\n".join(parts) + "\n"


def brief(results: Results, language: Language) -> str:
    """What a README says."""
    found = goals(results)
    met = sum(g.met for g in found)
    if language.portuguese:
        tail = f"Metas cumpridas: {met} de {len(found)}; [todos os números](docs/stream.md)."
    else:
        tail = f"Goals met: {met} of {len(found)}; [all figures](docs/stream.md)."
    return f"{overview(results, language)}\n\n{tail}"


def write(results: Results, root: Path) -> None:
    """Writes docs/stream.md with its picture, and puts the table into the READMEs.

    Raises:
        TrainingError: a README has no place for it.
    """
    documents.write(
        root,
        "stream",
        document(results),
        lambda picture: plot.draw(results, picture),
        lambda language: brief(results, language),
        command=COMMAND,
    )
