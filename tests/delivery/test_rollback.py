"""Rollback to each kind of name, on real API processes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from delivery import labels, smoke
from delivery.errors import ChoiceError
from delivery.rollback import Choice, advice, roll_back, unfinished
from delivery.rollout import CANDIDATE, PREVIOUS, Policy
from delivery.service import Target
from local.cloud_run.registry import FAULTY
from tests.delivery.conftest import Api, service

AT_ONCE = Policy(watch_s=0, delay_s=0)


@pytest.fixture(scope="module")
def both(stand_in, models) -> Iterator[Api]:
    """A service with a revision of the first bundle and one of the better, both delivered."""
    made = service(stand_in, stand_in.registry.push(models.first), labels.of(smoke.load(models.first), "a" * 40))
    api = next(made)
    bundles = smoke.load(models.better)
    image = stand_in.registry.push(models.better)
    assert api.rollout(bundles, AT_ONCE).run(image, labels.of(bundles, "b" * 40)).promoted
    yield api
    next(made, None)


@pytest.fixture
def twice(both) -> Api:
    """The same, as it is when the second was just delivered."""
    better, first = both.cloud.revisions()
    traffic = (Target(revision=better.name, percent=100), Target(revision=first.name, tag=PREVIOUS))
    both.cloud.route(both.cloud.read(), traffic)
    return both


def test_each_name_leads_back_to_the_first_bundle(twice, models):
    better, first = (r.name for r in twice.cloud.revisions())
    delivered, version = twice.cloud.read().traffic, smoke.load(models.first)[0].version
    for choice in (Choice(), Choice(revision=first), Choice(bundle=f"skab@{version}")):
        twice.cloud.route(twice.cloud.read(), delivered)
        done = roll_back(twice.cloud, choice)
        assert (done.serves, done.instead_of) == (first, better)
        assert twice.traffic() == {first: 100}
        assert smoke.run(twice.url, smoke.load(models.first)).passed

    # once back, "the one before" is no longer known, and a second rollback must not go further
    with pytest.raises(ChoiceError, match="no revision is tagged previous"):
        roll_back(twice.cloud, Choice())
    assert twice.traffic() == {first: 100}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(revision="no-such"), "no revision no-such; there are "),
        (Choice(bundle="skab@no-such"), "no revision serves skab@no-such; there are "),
        (Choice(bundle="skab"), "expected PROFILE@VERSION"),
    ],
)
def test_a_name_that_nothing_has_is_refused_and_those_that_there_are_are_listed(served, choice, said):
    before = served.traffic()
    with pytest.raises(ChoiceError, match=said):
        roll_back(served.cloud, choice)
    assert served.traffic() == before


def test_never_to_a_revision_that_is_not_ready(delivered, models, tmp_path):
    (tmp_path / "skab").mkdir()
    bundles, before = smoke.load(models.better), delivered.traffic()
    delivered.rollout(bundles).run(delivered.stand_in.registry.push(tmp_path), labels.of(bundles, None))
    broken = delivered.cloud.revisions()[0]
    assert not broken.ready
    for choice in (Choice(revision=broken.name), Choice(bundle="skab@better")):
        with pytest.raises(ChoiceError, match=f"{broken.name} cannot serve"):
            roll_back(delivered.cloud, choice)
    assert delivered.traffic() == before


def test_a_bundle_is_not_that_of_a_later_revision_which_failed_its_roll_out(delivered, models):
    bundles, served = smoke.load(models.first), delivered.cloud.revisions()[0]
    failing = delivered.stand_in.registry.push(models.first, FAULTY)
    delivered.cloud.deploy(delivered.cloud.read(), failing, labels.of(bundles, "b" * 40))
    assert delivered.cloud.revisions()[0].name != served.name
    choice = Choice(bundle=f"skab@{bundles[0].version}")
    assert roll_back(delivered.cloud, choice).serves == served.name


def test_what_a_killed_roll_out_left_is_told_from_what_is_finished(twice):
    better, first = (r.name for r in twice.cloud.revisions())
    assert unfinished(twice.cloud) is None
    for at in (10, 100):
        shared = (
            Target(revision=better, percent=at, tag=CANDIDATE),
            Target(revision=first, percent=100 - at, tag=PREVIOUS),
        )
        twice.cloud.route(twice.cloud.read(), shared)
        choice = unfinished(twice.cloud)
        assert choice is not None
        done = roll_back(twice.cloud, choice)
        assert (done.serves, done.instead_of) == (first, better)
        assert done.advice[-1] == "git push"
        assert twice.traffic() == {first: 100}
        assert unfinished(twice.cloud) is None


@pytest.mark.skipif(shutil.which("git") is None, reason="what is tested is a git command")
def test_the_advice_brings_the_earlier_bundle_back(twice, models, tmp_path):
    """Its commands are run in a repository whose last commit changed the bundle."""

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    commits = []
    for folder in (models.first, models.better):
        shutil.copytree(folder, tmp_path / "serving" / "models", dirs_exist_ok=True)
        git("add", ".")
        git("commit", "--quiet", "--message", folder.name)
        commits.append(git("rev-parse", "HEAD"))
    better, first = twice.cloud.revisions()
    labelled = [
        type(r)(r.name, r.image, r.created, r.ready, r.why, {**r.labels, "commit": commit})
        for r, commit in ((better, commits[1]), (first, commits[0]))
    ]
    *lines, push = advice(*labelled)
    assert push == "git push"
    for line in lines:
        subprocess.run(
            line.replace("git ", "git -c user.name=a -c user.email=a@b ", 1),
            shell=True, cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
    assert smoke.load(tmp_path / "serving" / "models")[0].version == smoke.load(models.first)[0].version
    assert git("status", "--porcelain") == ""
