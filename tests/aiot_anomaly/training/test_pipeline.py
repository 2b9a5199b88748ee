"""The pipeline's parameters: each reaches the notebooks that declare it, and an unknown one is an error."""

from __future__ import annotations

import nbformat
import pytest

from aiot_anomaly import paths
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import pipeline

CONTEXT = "profile_name = 'tiny'\nworkspace = ''\nparent_run = ''\n"


def write(folder, sources, *, tag="parameters"):
    """Notebooks 01 to 04 whose first cell holds the sources."""
    for name, source in zip(pipeline.NOTEBOOKS, sources, strict=True):
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": [tag]} if tag else {})
        notebook = nbformat.v4.new_notebook(
            cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


@pytest.fixture
def notebooks(tmp_path):
    return write(
        tmp_path, [CONTEXT + s for s in ("data = ''", "data = ''\nepochs = 3", "held_back = 0.2", "seed: int = 0")]
    )


def test_each_parameter_goes_to_the_notebooks_that_declare_it(notebooks):
    found = pipeline.plan(notebooks, {"data": "skab", "epochs": 1, "seed": 4})
    assert found == {
        "01_eda": {"data": "skab"},
        "02_train": {"data": "skab", "epochs": 1},
        "03_threshold": {},
        "04_compare": {"seed": 4},
    }


def test_an_unknown_parameter_is_an_error_that_names_the_known_ones(notebooks):
    with pytest.raises(TrainingError) as refused:
        pipeline.plan(notebooks, {"epoch": 1, "data": "skab"})
    assert str(refused.value) == "unknown parameter epoch; the notebooks take data, epochs, held_back, seed"


@pytest.mark.parametrize("name", ["profile_name", "workspace", "parent_run"])
def test_what_the_pipeline_itself_sets_cannot_be_given(notebooks, name):
    with pytest.raises(TrainingError, match=f"unknown parameter {name}; the notebooks take data, "):
        pipeline.plan(notebooks, {name: "elsewhere"})


@pytest.mark.parametrize("tag", [None, "parameter"])
def test_a_notebook_without_the_tag_is_an_error(tmp_path, tag):
    write(tmp_path, ["epochs = 3"] * 4, tag=tag)
    with pytest.raises(TrainingError, match=r"01_eda\.ipynb has no cell tagged `parameters`"):
        pipeline.plan(tmp_path, {"epochs": 1})


def test_the_last_notebook_is_looked_at_before_the_first_runs(notebooks):
    bare = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("seed = 0")])
    nbformat.write(bare, notebooks / "04_compare.ipynb")
    with pytest.raises(TrainingError, match=r"04_compare\.ipynb has no cell tagged"):
        pipeline.plan(notebooks, {})


def test_a_run_with_an_unknown_parameter_starts_nothing(notebooks, tmp_path, monkeypatch):
    monkeypatch.setenv("AIOT_HOME", str(tmp_path / "home"))
    (notebooks / "params").mkdir()
    (notebooks / "params" / "skab.yaml").write_text("epochs: 1\n")
    with pytest.raises(TrainingError, match="unknown parameter layers"):
        pipeline.run("skab", {"layers": 2}, notebooks=notebooks, reports=tmp_path / "reports", progress=False)
    assert not (tmp_path / "reports").exists()
    assert not paths.mlruns().exists()


def test_parameters_are_read_from_the_profiles_file(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text("data: skab\nheld_back: 0.2\n")
    assert pipeline.read_parameters(path) == {"data": "skab", "held_back": 0.2}


@pytest.mark.parametrize(("text", "kind"), [("", "NoneType"), ("- a", "list"), ("a", "str")])
def test_a_parameter_file_that_is_no_mapping_is_an_error(tmp_path, text, kind):
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=f"holds {kind}, expected a mapping of parameter names"):
        pipeline.read_parameters(path)


def test_a_missing_parameter_file_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"no parameter file .*gas\.yaml; see notebooks/params/"):
        pipeline.read_parameters(tmp_path / "gas.yaml")


@pytest.mark.parametrize("path", sorted((paths.root() / "notebooks" / "params").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_committed_parameters_fit_the_committed_notebooks(path):
    given = pipeline.read_parameters(path)
    found = pipeline.plan(paths.root() / "notebooks", given)
    assert set().union(*found.values()) == set(given)
