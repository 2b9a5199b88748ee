"""What people read is what was kept: docs/results.md, the READMEs, reports/quality.json."""

from __future__ import annotations

import json
import re

import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import paths
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training.__main__ import main
from aiot_anomaly.training.benchmark import markdown, readme, report, results, writing
from aiot_anomaly.training.benchmark.tables import BUNDLE, NETWORK, TABLES
from aiot_anomaly.training.benchmark.words import ENGLISH, PORTUGUESE

ROOT = paths.root()
KEPT = results.kept(ROOT, TABLES)


@pytest.fixture
def written(measured, home, tmp_path):
    """Documents of the tiny table in a folder of their own, with READMEs like the repository's."""
    results.keep(tmp_path, measured)
    (results.folder(tmp_path) / "notes-skab.md").write_text("- Tried: luck.\n", encoding="utf-8")
    for name in readme.READMES:
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    writing.write(tmp_path)
    return tmp_path


def test_the_report_has_every_part_of_a_table(written, measured):
    text = (written / "docs" / "results.md").read_text(encoding="utf-8")
    parts = text.split("\n## ")
    assert [p.splitlines()[0] for p in parts[1:]] == ["SKAB", "Leaks", "Frauds"]
    headings = re.findall(r"^### (.*)", parts[1], re.MULTILINE)
    assert headings == [
        "By the row",
        "By the event, as an operator feels it",
        "Goals",
        "What was tried",
        "How it was made",
    ]
    for row in measured.rows:
        assert ENGLISH.row(row.name, len(row.seeds)) in parts[1]
    assert "| found at 100 % > 100.0 % |" in parts[1]
    assert "- Tried: luck." in parts[1]
    assert "| Conv-AE | 0.78 | 0.711 |" in parts[1]
    assert measured.origin.fingerprint in parts[1]
    assert measured.bundle.run in parts[1]
    assert parts[2].strip().endswith("Not measured yet: `make benchmark-leak`.")
    pictures = re.findall(r"!\[[^]]+\]\((results/[^)]+)\)", text)
    assert len(pictures) == len(measured.pictures)


def test_the_figures_of_the_readmes_are_those_of_the_report(written, measured):
    text = (written / "docs" / "results.md").read_text(encoding="utf-8")
    english, portuguese = ((written / name).read_text(encoding="utf-8") for name in readme.READMES)
    value = f"{measured.rows[0].measures['auc_pr']:.3f}"
    assert f"| {value} |" in text
    assert f"| {value} |" in english
    assert f"| {value.replace('.', ',')} |" in portuguese
    assert "Goals met: 1 of 3" in english or "Goals met: 2 of 3" in english


def test_a_readme_says_who_is_ahead_of_the_network(measured):
    def said(auc_pr):
        measures = {NETWORK: 0.5, "no network": auc_pr, "random": 0.4}
        rows = [
            r.model_copy(update={"measures": {"auc_pr": measures[r.name]}}) for r in measured.rows if r.name in measures
        ]
        result = measured.model_copy(update={"rows": rows})
        return [readme.part(TABLES["skab"], result, language) for language in (ENGLISH, PORTUGUESE)]

    english, portuguese = said(0.6)
    assert "Ahead of the network in AUC-PR: no network. Goals" in english
    assert "À frente da rede em AUC-PR: sem rede. Metas" in portuguese
    english, portuguese = said(0.5)
    assert "Nothing is ahead of the network in AUC-PR. Goals" in english
    assert "Em AUC-PR nada está à frente da rede. Metas" in portuguese


def test_writing_twice_changes_nothing(written):
    before = {p: p.read_bytes() for p in written.rglob("*.md")}
    writing.write(written)
    assert {p: p.read_bytes() for p in written.rglob("*.md")} == before


def test_the_union_holds_each_table(written, measured):
    document = json.loads((written / "reports" / "quality.json").read_text(encoding="utf-8"))
    assert list(document) == ["skab"]
    assert document["skab"]["rows"][0]["measures"] == measured.rows[0].measures


def test_a_table_that_is_made_again_leaves_the_others(written, measured):
    results.keep(written, measured.model_copy(update={"table": "leak"}))
    writing.write(written)
    document = json.loads((written / "reports" / "quality.json").read_text(encoding="utf-8"))
    assert document["skab"]["rows"] == document["leak"]["rows"]


def test_a_document_without_the_place_is_refused():
    with pytest.raises(TrainingError, match=r"x\.md has 0 places for the table skab"):
        markdown.included("nothing", "skab", "text", where="x.md")


def test_numbers_are_written_as_the_language_does():
    assert PORTUGUESE.number("23,801 rows at 0.5 %, and so on.") == "23.801 rows at 0,5 %, and so on."
    assert ENGLISH.number("23,801") == "23,801"


def test_the_command_writes_from_what_was_kept(written, capsys):
    (written / "docs" / "results.md").unlink()
    assert main(["benchmark", "--write-only", "--into", str(written)]) == 0
    assert (written / "docs" / "results.md").is_file()
    assert "README.pt-BR.md" in capsys.readouterr().out


def test_an_unknown_table_is_named(capsys):
    assert main(["benchmark", "gas"]) == 1
    assert "no table gas; there are skab, leak, fraud" in capsys.readouterr().err


def test_the_committed_documents_are_those_of_the_committed_results():
    assert (ROOT / "docs" / "results.md").read_text(encoding="utf-8") == report.text(ROOT, KEPT), "--write-only"
    for name, language in readme.READMES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert readme.filled(text, KEPT, language, where=name) == text


@pytest.mark.parametrize("name", KEPT)
def test_a_committed_bundle_is_the_one_whose_figures_are_committed(name):
    folder = paths.models() / TABLES[name].profile
    manifest = bundles.load(folder).manifest
    assert KEPT[name].bundle is not None, f"make benchmark-{name}"
    assert KEPT[name].bundle.run == manifest.mlflow_run_id, f"make benchmark-{name}"
    assert KEPT[name].bundle.version == manifest.version
    origin = KEPT[name].origin
    if KEPT[name].bundle.same_data and origin.fingerprint == origin.source:
        ranked = KEPT[name].row(BUNDLE).measures
        for measure in ("auc_roc", "auc_pr", "f1"):
            assert ranked[measure] == pytest.approx(manifest.metrics[measure], abs=0.005), "the notebook's are others"


@pytest.mark.parametrize("name", KEPT)
def test_every_picture_is_there_and_small(name):
    for picture in KEPT[name].pictures:
        assert (results.folder(ROOT) / f"{name}-{picture}.png").stat().st_size < 200_000
