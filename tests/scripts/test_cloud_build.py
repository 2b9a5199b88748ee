from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

IMAGE = "europe-west1-docker.pkg.dev/p/aiot-anomaly/serving"
SETTINGS = {
    "GCP_PROJECT": "p",
    "GCP_REGION": "europe-west1",
    "GCP_BUILD_ACCOUNT": "projects/p/serviceAccounts/aiot-build@p.iam.gserviceaccount.com",
    "GCP_SOURCES_BUCKET": "p-aiot-sources",
}
# what the registry has, and what a build leaves; a copy of what was submitted
GCLOUD = 'case "$1" in artifacts) echo "{there}" ;; builds) cp "$3" "{kept}"; echo "{built}" ;; esac'


def test_it_builds_the_commit_alone_and_says_the_digest(run: Run, clone: Path, calls: Callable, tmp_path: Path) -> None:
    (clone / "gha-creds-1.json").write_text("{}", encoding="utf-8")
    kept = tmp_path / "source.tgz"
    gcloud = GCLOUD.format(there="", built="sha256:abc", kept=kept)
    done = run("cloud-build.sh", "cloudbuild.yaml", IMAGE, folder=clone, clients={"gcloud": gcloud}, **SETTINGS)
    assert done.stdout == f"{IMAGE}@sha256:abc\n", done.stderr
    with tarfile.open(kept) as archive:
        assert archive.getnames() == ["code.py"]
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout.strip()
    looked_up, submitted = calls()
    assert f"tags:{commit}" in looked_up
    assert f"--substitutions _IMAGE={IMAGE},_TAG={commit},COMMIT_SHA={commit}" in submitted
    assert "--gcs-source-staging-dir gs://p-aiot-sources/builds" in submitted


def test_what_is_there_is_not_built_again(run: Run, clone: Path, calls: Callable, tmp_path: Path) -> None:
    gcloud = GCLOUD.format(there="sha256:abc", built="sha256:def", kept=tmp_path / "source.tgz")
    done = run("cloud-build.sh", "c.yaml", IMAGE, "inputs-1", folder=clone, clients={"gcloud": gcloud}, **SETTINGS)
    assert done.stdout == f"{IMAGE}@sha256:abc\n"
    assert "is there already" in done.stderr
    assert len(calls()) == 1


def test_an_image_that_nobody_has_built_yet_is_built(run: Run, clone: Path, calls: Callable) -> None:
    gcloud = 'case "$1" in artifacts) echo "NOT_FOUND" >&2; exit 1 ;; builds) echo "sha256:abc" ;; esac'
    done = run("cloud-build.sh", "c.yaml", IMAGE, folder=clone, clients={"gcloud": gcloud}, **SETTINGS)
    assert done.stdout == f"{IMAGE}@sha256:abc\n", done.stderr
    assert len(calls()) == 2


def test_a_build_without_a_digest_is_an_error(run: Run, clone: Path, tmp_path: Path) -> None:
    gcloud = GCLOUD.format(there="", built="", kept=tmp_path / "source.tgz")
    done = run("cloud-build.sh", "c.yaml", IMAGE, folder=clone, clients={"gcloud": gcloud}, **SETTINGS)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "found the digest ''" in done.stderr


def test_a_build_that_fails_is_an_error(run: Run, clone: Path) -> None:
    gcloud = '[ "$1" = artifacts ] || exit 1'
    done = run("cloud-build.sh", "c.yaml", IMAGE, folder=clone, clients={"gcloud": gcloud}, **SETTINGS)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "the build failed" in done.stderr


def test_a_missing_setting_is_named(run: Run, clone: Path) -> None:
    settings = {**SETTINGS, "GCP_REGION": ""}
    done = run("cloud-build.sh", "c.yaml", IMAGE, folder=clone, clients={"gcloud": ""}, **settings)
    assert done.returncode != 0
    assert "GCP_REGION" in done.stderr
