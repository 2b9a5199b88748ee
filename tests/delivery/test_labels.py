"""The labels that a revision gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from delivery import labels, smoke
from delivery.errors import ChoiceError


def test_they_name_the_version_of_each_bundle_and_the_commit(models):
    bundles = smoke.load(models.better)
    assert labels.of(bundles, None) == {"bundle-skab": "better"}
    assert labels.of(bundles, "a" * 40) == {"bundle-skab": "better", "commit": "a" * 40}


@pytest.mark.parametrize("version", ["V2", "a b", "x" * 64])
def test_a_version_that_cloud_run_cannot_label_is_refused(models, version):
    bundle = smoke.load(models.first)[0]
    renamed = replace(bundle, manifest=bundle.manifest.model_copy(update={"version": version}))
    with pytest.raises(ChoiceError, match=f"found label bundle-skab={version}, expected"):
        labels.of([renamed], None)
