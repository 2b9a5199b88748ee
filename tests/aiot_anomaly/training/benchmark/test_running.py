"""A table from its data to its document: who is in it, that it is the same again, and what it says of itself."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from aiot_anomaly import bundle as bundles
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import dataset
from aiot_anomaly.training.benchmark import origin, results, section
from aiot_anomaly.training.benchmark.section import Section
from aiot_anomaly.training.benchmark.tables import BUNDLE, NETWORK
from tests.aiot_anomaly.training import fleets
from tests.aiot_anomaly.training.benchmark.conftest import SEEDS
from tests.aiot_anomaly.training.fleets import Event
from tests.support.tiny_bundle import tiny_profile


def test_network_bundle_and_every_baseline_have_a_row(measured):
    assert [row.name for row in measured.rows] == [
        *(NETWORK, BUNDLE, "PCA autoencoder", "no network", "moving-average Mahalanobis", "PCA T2 and Q"),
        *("isolation forest", "persistence", "position only", "random", "every row an alarm"),
    ]
    assert measured.counts.model_dump() == {"devices": 3, "teachers": 1, "rows": 180, "anomalous": 60, "events": 3}
    assert {"auc_roc", "auc_pr", "f1", "far", "mar", "found", "found@1", "mean_loss_m3"} <= set(
        measured.rows[0].measures
    )
    assert not measured.left_out


def test_the_network_is_the_mean_of_its_seeds_with_their_spread(measured):
    network = measured.row(NETWORK)
    assert set(network.seeds) == {f"seed {seed}" for seed in SEEDS}
    for name, value in network.measures.items():
        low, high = network.spread(name)
        assert low <= value <= high
        assert value == pytest.approx((low + high) / 2, abs=1e-5)
    assert len(network.thresholds) == len(SEEDS)
    assert network.spread("auc_pr")[0] < network.spread("auc_pr")[1]
    low, high = network.interval["auc_pr"]
    assert low <= network.measures["auc_pr"] <= high


def test_the_bundle_is_the_committed_one_with_its_own_threshold(measured, home):
    manifest = bundles.load(home.root / "serving" / "models" / "tiny").manifest
    assert measured.bundle.version == manifest.version
    assert measured.bundle.run == manifest.mlflow_run_id
    assert measured.row(BUNDLE).thresholds == [pytest.approx(manifest.threshold.value, abs=1e-6)]
    assert not measured.bundle.same_data


def test_a_bundle_is_of_the_same_data_whoever_is_watched_besides(home, watched):
    loaded = dataset.load(tiny_profile(), str(home.root / "data"))
    beside = loaded.watching(dataset.load(tiny_profile(), watched.tested))
    folder = bundles.load(home.root / "serving" / "models" / "tiny")
    manifest = folder.manifest.model_copy(update={"data_fingerprint": loaded.fingerprint})
    of_same = SimpleNamespace(bundle=SimpleNamespace(manifest=manifest), dataset=beside)
    assert origin.bundle(of_same).same_data
    of_other = SimpleNamespace(bundle=folder, dataset=beside)
    assert not origin.bundle(of_other).same_data


def test_groups_are_told_apart_by_the_devices_names(measured):
    assert set(measured.row(NETWORK).groups) == {"a", "b"}
    assert measured.row("random").groups == {}


@pytest.fixture(scope="module")
def watched(home, tmp_path_factory):
    """Two fleets that are watched in the place of the data's own devices, each with a teacher of its own."""
    folder = tmp_path_factory.mktemp("watched")
    fleets.write(folder / "east", tiny_profile(), {"x-1": 11}, {"t-2": 12}, event=Event(30, 60))
    fleets.write(folder / "west", tiny_profile(), {"x-2": 13, "x-3": 14}, {"t-3": 15}, event=Event(50, 90))
    return replace(home.table, tested=str(folder))


def test_others_may_be_tested_than_those_of_the_data_whose_teachers_stay(home, tmp_path, watched, measured):
    found = home.measure(tmp_path, watched, (0,))
    assert (found.counts.devices, found.counts.teachers) == (3, 1)
    assert found.origin.fingerprint != measured.origin.fingerprint
    assert found.row(NETWORK).measures["auc_pr"] != measured.row(NETWORK).seeds["seed 0"]["auc_pr"]
    assert set(found.row(NETWORK).groups) == {"east", "west"}, "groups are the fleets, whatever the devices' names"


def test_what_is_tested_is_that_of_the_data_where_somebody_chose_the_data(home, tmp_path, watched, measured):
    found = home.measure(tmp_path, watched, (0,), {"data": "data"})
    assert found.origin.fingerprint == measured.origin.fingerprint
    assert set(found.row(NETWORK).groups) == {"a", "b"}
    assert found.counts == measured.counts


def test_the_goals_are_judged_by_the_mean_and_by_the_bundle(measured):
    found = {goal.goal: goal for goal in measured.goals}
    assert found["AUC-ROC ≥ 0.500"].met is True
    assert found["found at 100 % > 100.0 %"].met is False
    assert found["ahead of nobody in F1"].met is None
    assert found["AUC-ROC ≥ 0.500"].value == measured.row(NETWORK).measures["auc_roc"]
    assert all(goal.bundle for goal in measured.goals)


def test_it_says_what_it_depends_on(measured):
    origin = measured.origin
    assert origin.command.startswith("python -m aiot_anomaly.training benchmark skab --seeds 0 1 -p code=2")
    assert origin.parameters["epochs"] == 1
    assert origin.parameters["learning_rate"] == 0.003  # of the notebook
    assert origin.held_back_rows > 0
    assert origin.threshold_rule.startswith("quantile 0.99, margin 1.2")
    assert len(origin.fingerprint) == 64
    assert "tensorflow" in origin.libraries


def test_document_and_pictures_are_kept(measured, home):
    assert results.kept(home.into, ["skab", "leak"]) == {"skab": measured}
    pictures = sorted(results.folder(home.into).glob("*.png"))
    assert [p.stem for p in pictures] == ["skab-found-by-size", "skab-precision-recall", "skab-timeline"]
    assert all(1_000 < p.stat().st_size < 200_000 for p in pictures)


def test_the_same_command_gives_the_same_figures(measured, home, tmp_path):
    again = home.measure(tmp_path)
    for row, same in zip(measured.rows, again.rows, strict=True):
        assert same.measures == pytest.approx(row.measures, abs=0.005), row.name
        assert same.interval == row.interval or row.kind != "baseline"
    assert [goal.met for goal in again.goals] == [goal.met for goal in measured.goals]


def test_a_table_may_bring_a_part_of_its_own_and_do_without_a_bundle(home, tmp_path, monkeypatch):
    def own(contest):
        measures = {entry.name: {"week_auc": 0.5} for entry in contest.entries}
        return Section(measures, "#### Own", {"own": ("mine", Figure())})

    monkeypatch.setattr(section, "own", own, raising=False)
    monkeypatch.setattr("aiot_anomaly.training.benchmark.contest.champion", lambda _: (None, "of another form"))
    result = home.measure(tmp_path, replace(home.table, extra=f"{section.__name__}:own"), seeds=(0,))
    assert all(row.measures["week_auc"] == 0.5 for row in result.rows)
    assert result.section == "#### Own"
    assert result.pictures["own"] == "mine"
    assert (results.folder(tmp_path) / "skab-own.png").is_file()
    assert result.left_out == {BUNDLE: "of another form"}
    assert result.bundle is None
    assert not any(goal.bundle for goal in result.goals)
    assert result.row(NETWORK).seeds == {}


@pytest.mark.parametrize("extra", ["", "aiot_anomaly.nowhere:section", "nowhere.at.all:section", "json:nothing"])
def test_a_table_whose_own_part_is_not_there_has_no_section(home, extra):
    contest = type("Contest", (), {"table": replace(home.table, extra=extra)})
    assert section.made(contest) == Section()


def test_a_module_that_lacks_what_it_needs_is_no_missing_part(home, tmp_path, monkeypatch):
    (tmp_path / "needy_part.py").write_text("import needed_by_nobody_else\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    contest = type("Contest", (), {"table": replace(home.table, extra="needy_part:section")})
    with pytest.raises(ModuleNotFoundError, match="needed_by_nobody_else"):
        section.made(contest)


def test_data_without_labels_is_refused(home, tmp_path):
    bare = tmp_path / "bare"
    for part in ("train", "test"):
        (bare / part).mkdir(parents=True)
        (bare / part / "readings.csv").write_bytes((home.root / "data" / part / "readings.csv").read_bytes())
    with pytest.raises(TrainingError, match="has no labels"):
        home.measure(tmp_path, replace(home.table, data=str(bare)))


def test_a_document_of_another_release_is_named(tmp_path):
    results.folder(tmp_path).mkdir(parents=True)
    (results.folder(tmp_path) / "leak.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TrainingError, match="run `make benchmark-leak`"):
        results.kept(tmp_path, ["leak"])
