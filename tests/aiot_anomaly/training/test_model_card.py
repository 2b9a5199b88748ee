"""The model card: every figure of it is from the bundle and its run."""

from __future__ import annotations

import pytest

from aiot_anomaly.training import model_card, record
from aiot_anomaly.training.comparison import CANDIDATE, CHAMPION
from aiot_anomaly.training.promotion import promote


@pytest.fixture
def card(registry, monkeypatch):
    fragment = registry.home / "notebooks" / "cards" / "tiny.md"
    fragment.parent.mkdir(parents=True, exist_ok=True)
    fragment.write_text("## Limits\n\nFor tests only.\n")
    yield lambda run: (promote(registry.profile, run), (registry.models / "tiny" / "README.md").read_text())[1]
    fragment.unlink()


def test_it_says_what_the_model_is_how_good_it_is_and_where_it_is_from(card, registry):
    text = card(registry.pipeline_run)
    assert text.startswith("# A tiny device: model `tiny`, version tiny-1\n")
    assert "| **LSTM autoencoder** | 0.750 | 50% | 2 h |" in text
    assert "| `flow` | L/s | 0 to 100 | both | 1 |" in text
    assert "| data | `data/tiny`, SHA-256" in text
    assert "train tiny -p data=data/tiny -p epochs=1\n" in text
    assert "![One device of the test part: an alarm begins at 1.0](scores.png)" in text
    assert "For tests only." in text


def test_it_says_how_the_model_did_against_the_champion_before_it(card, registry):
    assert "No champion to compare with: none was promoted yet." in card(registry.pipeline_run)
    assert "| AUC-PR | 0.750 | at least 0.755 | no |" in card(registry.runs["2"])


def test_a_champion_that_is_the_same_model_is_not_shown_twice():
    same = {"auc_pr": 0.7}
    assert set(model_card._without_itself({CANDIDATE: same, CHAMPION: dict(same)})) == {CANDIDATE}
    assert set(model_card._without_itself({CANDIDATE: same, CHAMPION: {"auc_pr": 0.6}})) == {CANDIDATE, CHAMPION}


def test_a_table_has_the_measures_that_somebody_has():
    table = model_card.results_table({CANDIDATE: {"auc_pr": 0.7519}, "no network": {"median_delay_s": 72_000.0}})
    assert table.splitlines() == [
        "| | AUC-PR | median delay |",
        "|---|---|---|",
        "| **LSTM autoencoder** | 0.752 | – |",
        "| no network | – | 20 h |",
    ]


def test_a_run_is_read_back_as_it_was_logged(registry, tmp_path):
    found = record.fetch("tiny", registry.runs["1"], tmp_path)
    assert found.run_id == registry.pipeline_run
    assert found.results == {CANDIDATE: {"auc_pr": 0.75, "found": 0.5, "median_delay_s": 7200.0}}
    assert found.decision is not None
    assert found.decision.better
    assert found.parameters == {"data": "data/tiny", "epochs": "1"}
    assert set(found.plots()) == {"scores"}
