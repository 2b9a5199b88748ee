"""From figures to goals, tables and the READMEs."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiot_anomaly.training.benchmark.words import PORTUGUESE
from benchmarks.stream import plot, tables
from benchmarks.stream.goals import goals
from benchmarks.stream.results import (
    BARE,
    FIRESTORE,
    SKELETON,
    SQLITE,
    Latency,
    Machine,
    Rate,
    Results,
    Size,
    Step,
)


def rate(*rounds: float, readings: int = 1) -> Rate:
    return Rate(
        messages_per_s=sorted(rounds)[len(rounds) // 2], readings=readings, rounds=list(rounds), cpu_ms=2, refused=0
    )


def latency(p50: float = 20, p95: float = 60) -> Latency:
    return Latency(rate=120, p50_ms=p50, p95_ms=p95, p99_ms=90, behind_ms=1, p50_rounds_ms=[p50])


def results(
    *,
    ours: tuple[float, ...] = (190, 200, 210),
    fifty: float = 70,
    p95: float = 60,
    last: tuple[float, float] = (200, 20),
) -> Results:
    steps = [Step(name="read", wall_ms=1, cpu_ms=0.5), Step(name="rest", wall_ms=2, cpu_ms=1)]
    return Results(
        machine=Machine(processor="a", cores=2, load=0, pubsub="official", measured_at="now", commit="c"),
        single={
            BARE: rate(900, 1000, 1100),
            SKELETON: rate(200, 200, 200),
            SQLITE: rate(*ours),
            FIRESTORE: rate(90, 100, 110),
        },
        fifty={SKELETON: rate(100, readings=50), SQLITE: rate(fifty, readings=50), FIRESTORE: rate(50, readings=50)},
        latencies={SKELETON: latency(), SQLITE: latency(p95=p95), FIRESTORE: latency()},
        steps={SQLITE: steps, FIRESTORE: steps},
        grown=[
            Size(devices=10, rate=rate(200), latency=latency(), steps=steps),
            Size(devices=100_000, rate=rate(last[0]), latency=latency(last[1]), steps=steps),
        ],
    )


def test_what_is_reached_is_met() -> None:
    assert [g.met for g in goals(results())] == [True] * 5
    assert [g.found for g in goals(results())] == ["100%", "3,500", "60 ms", "+0%", "+0%"]


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (results(ours=(170, 180, 100)), 0),
        (results(fifty=59), 1),
        (results(p95=251), 2),
        (results(last=(180, 20)), 3),
        (results(last=(200, 23)), 4),
    ],
)
def test_what_is_not_reached_is_missed(found: Results, missed: int) -> None:
    assert [i for i, g in enumerate(goals(found)) if not g.met] == [missed]


def test_the_ratio_is_of_the_same_round() -> None:
    found = results(ours=(100, 200, 400))
    assert found.ratio(SQLITE, SKELETON) == 1.0
    assert found.ratio(BARE, SKELETON) == 5.0


def test_documents_have_every_figure_and_both_languages_the_same_table(tmp_path: Path) -> None:
    for name in ("README.md", "README.pt-BR.md"):
        marks = "<!-- benchmark stream: made by make bench-stream -->\n<!-- benchmark stream: end -->\n"
        (tmp_path / name).write_text(f"before\n{marks}after\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    tables.write(results(), tmp_path)
    tables.write(results(), tmp_path)
    english = (tmp_path / "README.md").read_text(encoding="utf-8")
    portuguese = (tmp_path / "README.pt-BR.md").read_text(encoding="utf-8")
    assert "**function, SQLite** | 200 | 100%" in english
    assert "**função, SQLite**" in portuguese
    assert english.count("\n|") == portuguese.count("\n|") == 6
    assert english.startswith("before\n")
    assert english.endswith("after\n")
    document = (tmp_path / "docs" / "stream.md").read_text(encoding="utf-8")
    assert "100,000 devices" in document
    assert "Goals: 5 of 5 met" in document
    assert (tmp_path / "docs" / "stream.png").stat().st_size > 10_000
    assert "esqueleto" in tables.overview(results(), PORTUGUESE)


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        plot.draw(results(), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
