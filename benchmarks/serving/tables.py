"""Results as tables: in the terminal, in docs/serving.md and in the READMEs."""

from __future__ import annotations

from pathlib import Path

from aiot_anomaly.training.benchmark import markdown
from aiot_anomaly.training.benchmark.words import ENGLISH, Language
from benchmarks import documents
from benchmarks.goal import Goal
from benchmarks.serving import plot, prose
from benchmarks.serving.goals import goals
from benchmarks.serving.results import Load, ModelResult, Results, ServerResult

COMMAND = "make bench-serving"
_HEADS = {
    False: [
        "", "requests/s, 1 connection", "16", "64", "p50 at 16", "p99 at 16", "p99 at 60 %", "p99.9 at 60 %",
        "memory", "ready after", "this API ahead by",
    ],
    True: [
        "", "requisições/s, 1 conexão", "16", "64", "p50 com 16", "p99 com 16", "p99 a 60 %", "p99,9 a 60 %",
        "memória", "pronto após", "esta API à frente por",
    ],
}  # fmt: skip
_TITLES = {
    "this API": "esta API",
    "bare FastAPI route + ONNX Runtime": "rota FastAPI nua + ONNX Runtime",
    "BentoML + ONNX Runtime, adaptive batching": "BentoML + ONNX Runtime, lotes adaptativos",
}


def servers(model: ModelResult, language: Language = ENGLISH) -> str:
    """A model's servers, the kernel last."""
    rows = [_row(server, language) for server in model.servers]
    kernel = [f"{model.kernel.single_windows_s:,.0f}", *["–"] * 2, _ms(model.kernel.single_p50_ms), *["–"] * 6]
    title = "*só o ONNX Runtime, no processo*" if language.portuguese else "*ONNX Runtime alone, in-process*"
    rows.append([title, *(language.number(cell) for cell in kernel)])
    return markdown.table(_HEADS[language.portuguese], rows)


def _row(server: ServerResult, language: Language) -> list[str]:
    title = _TITLES.get(server.title, server.title) if language.portuguese else server.title
    at_16, at_60 = server.closed[16], server.at_60
    cells = [
        *(_rate(server.closed.get(c)) for c in (1, 16, 64)),
        *(_ms(at_16.p50_ms), _ms(at_16.p99_ms)),
        *((_ms(at_60.p99_ms), _ms(at_60.p999_ms)) if at_60 else ("–", "–")),
        f"{server.memory_mib * 2**20 / 1e6:,.0f} MB",
        f"{server.ready_s:.2f} s",
        f"{server.ahead[16]:,.2f} ×" if server.ahead else "–",
    ]
    return [f"**{title}**" if server.name == "api" else title, *(language.number(c) for c in cells)]


def _rate(load: Load | None) -> str:
    if load is None:
        return "–"
    return f"{load.rate:,.0f}" if load.rate >= 20 else f"{load.rate:.1f}"


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def batches(model: ModelResult, language: Language = ENGLISH) -> str:
    """What batches reach, in a sentence."""
    assert model.api.batch is not None
    rate, limit, share = model.api.batch.windows_s, model.kernel.batch_windows_s, model.kernel.batch_share
    json = model.kernel.json_share
    if language.portuguese:
        return language.number(
            f"Em lotes de 256: {rate:,.0f} janelas/s, {share:.0%} do que o ONNX Runtime sozinho faz ({limit:,.0f}); só "
            f"ler e escrever o JSON com orjson, e mais nada, deixa {json:.0%}."
        )
    return (
        f"In batches of 256: {rate:,.0f} windows/s, {share:.0%} of what ONNX Runtime alone does ({limit:,.0f}); "
        f"reading and writing the JSON by orjson, and nothing else, leaves {json:.0%}."
    )


def overload(model: ModelResult, language: Language = ENGLISH) -> str:
    """What becomes of too much load, in a sentence; nothing where it was not measured."""
    if not model.api.overload:
        return ""
    most = model.api.overload[-1]
    if language.portuguese:
        return language.number(
            f"Com {most.times:g} vezes a carga máxima, {most.accepted:,.0f} requisições/s são respondidas, com p99 de "
            f"{_ms(most.p99_ms)}; {most.refused:.0%} recebem um 503 com `Retry-After`, e {most.turned_away:.0%} nem "
            "cabem nas 512 conexões."
        )
    return (
        f"At {most.times:g} times the load that it can take, {most.accepted:,.0f} requests/s are answered, with a p99 "
        f"of {_ms(most.p99_ms)}; {most.refused:.0%} are told 503 with `Retry-After`, and {most.turned_away:.0%} find "
        "none of 512 connections free."
    )


def goal_table(found: list[Goal]) -> str:
    """All goals, met and missed."""
    rows = [[g.what, g.wanted, g.found, "met" if g.met else "**missed**"] for g in found]
    return markdown.table(["", "wanted", "found", ""], rows, text=4)


def document(results: Results) -> str:
    """docs/serving.md: every figure."""
    setup = prose.SETUP.format(
        processor=results.processor,
        versions=", ".join(f"{name} {version}" for name, version in results.versions.items()),
        measured_at=results.measured_at,
        seconds=results.seconds,
        rounds=results.rounds,
        generator=results.generator.rate,
        generator_p99=results.generator.p99_ms,
        timed_p99=results.generator.timed_p99_ms,
    )
    found = goals(results)
    parts = [prose.TITLE, setup]
    for model in results.models:
        parts += [f"## {model.title} ({model.name}: {model.steps} steps, {model.inputs} inputs)", servers(model)]
        parts += [" ".join(s for s in (batches(model), overload(model)) if s)]
    parts += [f"## Goals: {sum(g.met for g in found)} of {len(found)} met", goal_table(found), prose.FAIRNESS]
    return "\n\n".join(parts) + "\n"


def brief(results: Results, language: Language) -> str:
    """What a README says: the first model's table, and how the others stand."""
    first = results.models[0]
    found = goals(results)
    met = sum(g.met for g in found)
    sentences = " ".join(s for s in (batches(first, language), overload(first, language)) if s)
    if language.portuguese:
        size = f"{first.steps} passos de {first.inputs} entradas, uma janela por requisição"
        tail = f"Metas cumpridas: {met} de {len(found)}; [todos os modelos e números](docs/serving.md)."
    else:
        size = f"{first.steps} steps of {first.inputs} inputs, one window a request"
        tail = f"Goals met: {met} of {len(found)}; [all models and figures](docs/serving.md)."
    head = f"**{first.title}** (`{first.name}`), {size}."
    return "\n\n".join([head, servers(first, language), f"{sentences} {tail}"])


def write(results: Results, root: Path) -> None:
    """Writes docs/serving.md with its picture, and puts the table into the READMEs.

    Raises:
        TrainingError: a README has no place for it.
    """
    documents.write(
        root,
        "serving",
        document(results),
        lambda picture: plot.draw(results, picture),
        lambda language: brief(results, language),
        command=COMMAND,
    )
