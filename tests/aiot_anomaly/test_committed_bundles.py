"""The bundles that are in git: whole, small, and the same model in Keras and in ONNX."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import detector, paths, profile_store

NAMES = sorted(p.name for p in paths.models().iterdir() if p.is_dir()) if paths.models().is_dir() else []
#: leading bytes of a pickle of protocol 2 and later
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def test_skab_and_leak_are_there():
    assert {"skab", "leak"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_whole(name):
    folder = paths.models() / name
    read = bundles.load(folder)
    assert read.profile.name == name
    documents = {p.name for p in folder.iterdir() if p.name == "README.md" or p.suffix == ".png"}
    assert {p.name for p in folder.iterdir()} - documents == {bundles.MANIFEST, *bundles.FILES}
    for file, digest in read.manifest.sha256.items():
        assert bundles.sha256(folder / file) == digest


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_its_golden_scores(name):
    folder = paths.models() / name
    recorded = bundles.load(folder).manifest.libraries
    same = all(installed(library) == recorded[library] for library in ("onnxruntime", "numpy"))
    loaded = detector.load(folder, tolerance=1e-5 if same else detector.GOLDEN_TOLERANCE)
    golden = loaded.bundle.golden
    assert min(golden.scores) < 1 < max(golden.scores), "golden windows reach from calm to anomalous"


def installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


@pytest.mark.parametrize("name", NAMES)
def test_keras_from_its_weights_agrees_with_its_graph(name):
    from aiot_anomaly.training.export import run_keras
    from aiot_anomaly.training.network import NetworkConfig
    from aiot_anomaly.training.packaging import restore

    loaded = detector.load(paths.models() / name)
    of, fleet = loaded.profile, loaded.bundle.fleet
    network = restore(of, NetworkConfig(**loaded.bundle.manifest.network), paths.models() / name / bundles.WEIGHTS)
    windows = loaded.bundle.golden.windows(of)
    keras = run_keras(of, network, windows, fleet, loaded.bundle.threshold)
    onnx = loaded.score(windows, fleet)
    np.testing.assert_allclose(onnx.score, keras["score"], rtol=1e-5)
    np.testing.assert_allclose(onnx.contributions, keras["contributions"], rtol=1e-4, atol=1e-6)
    # in normal deviations of each sensor: relative to a pressure of nearly zero, any difference is large
    deviations = fleet.scale.min(axis=0)[: len(of.sensors)]
    np.testing.assert_allclose(onnx.expected / deviations, keras["expected"] / deviations, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_its_profile_is_the_one_that_is_shipped(name):
    assert bundles.load(paths.models() / name).profile == profile_store.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_at_most_4_mib(name):
    assert sum(p.stat().st_size for p in (paths.models() / name).iterdir()) <= bundles.MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_its_model_card_is_of_this_version_and_shows_small_pictures(name):
    folder = paths.models() / name
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert bundles.load(folder).version in card.splitlines()[0]
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", card)
    assert sorted(shown) == sorted(p.name for p in folder.glob("*.png"))
    assert all((folder / picture).stat().st_size < 200_000 for picture in shown)


@pytest.mark.parametrize("name", NAMES)
def test_its_model_card_says_what_a_user_must_know(name):
    folder = paths.models() / name
    card = (folder / "README.md").read_text(encoding="utf-8")
    manifest = bundles.load(folder).manifest
    headings = set(re.findall(r"^## (.*)", card, re.MULTILINE))
    assert {
        "How good is it?",
        "Threshold",
        "Intended use",
        "Limits",
        "Where it is from",
        "How to reproduce it",
    } <= headings
    for told in (manifest.mlflow_run_id, manifest.data_fingerprint, manifest.git_commit, manifest.threshold.method):
        assert told in card
    assert f"| {manifest.metrics['auc_pr']:.3f} |" in card
    link = re.search(r"\]\(([^)]*docs/results\.md)\)", card)
    assert link is not None
    assert (folder / link[1]).resolve() == paths.root() / "docs" / "results.md"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_is_a_pickle(name):
    for path in (paths.models() / name).iterdir():
        assert path.suffix in {".json", ".onnx", ".h5", ".md", ".png"}
        assert not path.read_bytes().startswith(PICKLES)
    weights = (paths.models() / name / bundles.WEIGHTS).read_bytes()
    assert weights.startswith(b"\x89HDF\r\n\x1a\n")
    assert b"pickle" not in weights
