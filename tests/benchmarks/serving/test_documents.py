"""Goals and documents, from results that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aiot_anomaly.training.benchmark.words import ENGLISH, PORTUGUESE
from benchmarks.serving import __main__ as command
from benchmarks.serving import results, tables
from benchmarks.serving.contenders import PEERS_OF_ALL, ROOT
from benchmarks.serving.errors import BenchmarkError
from benchmarks.serving.goals import AHEAD, goals
from benchmarks.serving.results import Results


def load(rate: float, p99: float | None = 5.0) -> dict[str, Any]:
    return {
        "rate": rate, "windows_s": rate, "p50_ms": 1.0, "p99_ms": p99, "p999_ms": p99, "requests": 100,
        "rates": [rate], "failed": {},
    }  # fmt: skip


def overload(times: float, p99: float, **other: Any) -> dict[str, Any]:
    return {
        "times": times, "offered": 9000.0, "accepted": 1500.0, "turned_away": 0.1, "refused": 0.7, "retry_after": 1.0,
        "p50_ms": p99 / 2, "p99_ms": p99, "halves_p99_ms": (p99, p99), "failed": {}, **other,
    }  # fmt: skip


def document() -> dict[str, Any]:
    """Results in which every goal is met."""
    api = {
        "name": "api", "title": "this API", "score_error": 1e-6, "ready_s": 0.8, "memory_mib": 150.0,
        "closed": {1: load(1200), 16: load(3000), 64: load(3500)}, "at_60": load(2100, 4.0),
        "batch": load(20) | {"windows_s": 5120.0}, "overload": [overload(2, 100), overload(5, 110)],
    }  # fmt: skip
    peers = [
        {
            "name": p.name, "title": p.title, "score_error": 1e-6, "ready_s": 5.0, "memory_mib": 500.0,
            "closed": {c: load(50) for c in p.connections}, "at_60": load(30, 80.0),
            "ahead": dict.fromkeys(p.connections, 60.0), "p99_ahead": dict.fromkeys(p.connections, 16.0),
        }
        for p in PEERS_OF_ALL
    ]  # fmt: skip
    kernel = {
        "single_windows_s": 3500.0,
        "single_p50_ms": 0.28,
        "batch_windows_s": 7000.0,
        "batch_share": 0.73,
        "json_share": 0.8,
    }
    model = {"name": "leak", "title": "Leaks", "steps": 42, "inputs": 6, "kernel": kernel, "servers": [api, *peers]}
    return {
        "measured_at": "2026-11-27 01:00 UTC", "commit": "abc", "processor": "a processor", "versions": {"Python": "3"},
        "seconds": 1.5, "rounds": 3, "generator": {"rate": 20000.0, "p99_ms": 1.0, "timed_p99_ms": 0.2},
        "models": [model],
    }  # fmt: skip


def read(found: dict[str, Any]) -> Results:
    return Results.model_validate(found)


def test_every_goal_of_the_results_is_told() -> None:
    found = goals(read(document()))
    assert [g.what for g in found if not g.met] == []
    # latency, twice the bare route, batches, overload, failures; rate and latency beside each peer; memory, start
    assert len(found) == 6 + 2 * len(AHEAD) + 2


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda d: d["servers"][0]["at_60"].update(p99_ms=10.1), "p99 at 60 %"),
        (lambda d: d["servers"][1]["ahead"].update({1: 0.89}), "bare route, 1 connection"),
        (lambda d: d["servers"][1]["ahead"].update({16: 0.99}), "bare route, 16 connections"),
        (lambda d: d["kernel"].update(batch_share=0.64), "batches of 256"),
        (lambda d: d["servers"][2]["ahead"].update({16: 1.9}), "rate beside LitServe"),
        (lambda d: d["servers"][3]["p99_ahead"].update({16: 0.9}), "p99 of BentoML"),
        (lambda d: d["servers"][4]["ahead"].update({16: 9.0}), "rate beside mlflow models serve, ONNX"),
        (lambda d: d["servers"][5]["ahead"].update({16: 9.0}), "rate beside mlflow models serve"),
        (lambda d: d["servers"][7]["ahead"].update({16: 29.0}), "rate beside FastAPI + keras"),
        (lambda d: d["servers"][0]["closed"][16].update(failed={500: 3}), "not answered with 200"),
        (lambda d: d["servers"][0].update(memory_mib=240.0), "memory"),
        (lambda d: d["servers"][0].update(ready_s=1.1), "start until ready"),
        (lambda d: d["servers"][0]["overload"][1].update(p99_ms=200.0), "5 times the load"),
        (lambda d: d["servers"][0]["overload"][1].update(halves_p99_ms=(50.0, 110.0)), "5 times the load"),
        (lambda d: d["servers"][0]["overload"][1].update(failed={500: 1}), "5 times the load"),
        (lambda d: d["servers"][0]["overload"][1].update(retry_after=0.9), "5 times the load"),
        (lambda d: d["servers"][0]["overload"][1].update(p99_ms=None, halves_p99_ms=(None, None)), "5 times the load"),
    ],
)  # fmt: skip
def test_a_goal_that_is_missed_is_told(spoil: Any, what: str) -> None:
    found = document()
    spoil(found["models"][0])
    (missed,) = [g for g in goals(read(found)) if not g.met]
    assert what in missed.what
    assert "**missed**" in tables.document(read(found))


def test_the_document_has_every_server_and_goal() -> None:
    text = tables.document(read(document()))
    for peer in PEERS_OF_ALL:
        assert f"| {peer.title} |" in text
    assert (
        "| **this API** | 1,200 | 3,000 | 3,500 | 1.00 ms | 5.00 ms | 4.00 ms | 4.00 ms | 157 MB | 0.80 s | – |" in text
    )
    assert "20 of 20 met" in text
    assert (
        "In batches of 256: 5,120 windows/s, 73% of what ONNX Runtime alone does (7,000); reading and writing" in text
    )
    assert "| ≥ 65% | 73%; 80% if orjson read and wrote, and nothing else was done | met |" in text


def test_what_was_not_measured_is_a_dash() -> None:
    found = document()
    found["models"][0]["servers"][0].update(at_60=None, overload=[])
    found["models"][0]["servers"][0]["closed"].pop(64)
    text = tables.document(read(found))
    assert "| **this API** | 1,200 | 3,000 | – | 1.00 ms | 5.00 ms | – | – |" in text


def test_both_readmes_take_the_table(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "README.pt-BR.md"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    tables.write(read(document()), tmp_path)
    english, portuguese = ((tmp_path / n).read_text(encoding="utf-8") for n in ("README.md", "README.pt-BR.md"))
    assert tables.brief(read(document()), ENGLISH) in english
    assert tables.brief(read(document()), PORTUGUESE) in portuguese
    assert "| **esta API** | 1.200 | 3.000 |" in portuguese
    assert english.count("\n|") == portuguese.count("\n|")
    assert (tmp_path / "docs" / "serving.png").read_bytes().startswith(b"\x89PNG")


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "serving.json"
    written = read(document())
    path.write_text(written.model_dump_json(), encoding="utf-8")
    assert results.read(path) == written


def test_without_results_the_command_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--reprint", "--report", str(tmp_path / "none.json")]) == 1
    assert "make bench-serving" in capsys.readouterr().err
    (tmp_path / "old.json").write_text('{"models": []}')
    with pytest.raises(BenchmarkError, match="measure anew"):
        results.read(tmp_path / "old.json")


def test_strict_fails_where_a_goal_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document()
    path = tmp_path / "serving.json"
    path.write_text(read(found).model_dump_json(), encoding="utf-8")
    assert command.main(["--reprint", "--strict", "--report", str(path)]) == 0
    found["models"][0]["kernel"]["batch_share"] = 0.1
    path.write_text(read(found).model_dump_json(), encoding="utf-8")
    assert command.main(["--reprint", "--strict", "--report", str(path)]) == 1
    assert command.main(["--reprint", "--report", str(path)]) == 0
    assert "MISSED  leak: batches of 256" in capsys.readouterr().out
