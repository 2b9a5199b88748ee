"""Results in a folder that outlives the run: known to be writable before it starts, marked when it is whole."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import paths
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import keeping, pipeline, record
from aiot_anomaly.training.__main__ import main


@pytest.fixture
def failing(tmp_path: Path, clean_mlflow: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Notebooks of which the first fails."""
    monkeypatch.setenv("AIOT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "home" / "notebooks"
    (folder / "params").mkdir(parents=True)
    (folder / "params" / "skab.yaml").write_text("seed: 1\n")
    for name in pipeline.NOTEBOOKS:
        context = "profile_name = ''\nworkspace = ''\nparent_run = ''\nseed = 0"
        cells = [
            nbformat.v4.new_code_cell(context, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("raise ValueError(f'seed {seed}')"),
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / f"{name}.ipynb")
    return folder


def test_what_is_kept_is_listed_with_its_checksums_and_the_decision(registry, tmp_path):
    (tmp_path / "record").mkdir()
    kept = record.fetch("tiny", registry.runs["2"], tmp_path / "record")
    out = tmp_path / "out"
    keeping.keep(kept, out)
    document = json.loads((out / keeping.DONE).read_text())
    assert (document["profile"], document["version"], document["run"]) == ("tiny", "tiny-2", registry.runs["2"])
    assert (document["better_than_champion"], document["reason"]) == (False, "AUC-PR: 0.750, expected at least 0.755")
    assert set(document["sha256"]) == {
        *(f"bundle/{name}" for name in (bundles.MANIFEST, *bundles.FILES, "README.md", "scores.png")),
        "notebooks/04_compare.ipynb", "plots/scores.png", "runs.json",
    }  # fmt: skip
    assert json.loads((out / "runs.json").read_text())["04_compare"]["metrics"]["LSTM_autoencoder/auc_pr"] == 0.75


def test_a_folder_that_cannot_be_written_is_an_error_before_anything_runs(failing, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert main(["train", "skab", "--out", str(tmp_path / "file" / "artifacts")]) == 1
    said = capsys.readouterr().err
    assert "cannot write to" in said
    assert "name a folder that this user may write by --out" in said
    assert not paths.mlruns().exists()


def test_of_a_run_that_fails_the_executed_notebook_is_kept_and_nothing_is_marked_as_whole(failing, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(
        TrainingError, match=r"01_eda\.ipynb failed in cell 3: ValueError: seed 1[\s\S]*another is in .*-failed"
    ):
        keeping.train("skab", None, out)
    kept = [p for p in out.rglob("*") if p.is_file()]
    assert [p.name for p in kept] == ["01_eda.ipynb"]
    outputs = [o for cell in nbformat.read(kept[0], as_version=4).cells for o in cell.get("outputs", [])]
    assert ("ValueError", "seed 1") in [(o.get("ename"), o.get("evalue")) for o in outputs]
