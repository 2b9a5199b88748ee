from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Git = Callable[..., str]

BRANCH = "model/leak-abc"
#: how many pull requests there are of a branch, and one is opened
GH = 'case "$2" in list) echo "{there}" ;; create) echo opened ;; esac'


@pytest.fixture
def proposals(tmp_path: Path, clone: Path, git: Git) -> Path:
    """As train.yml packs them: made in another clone than the one that opens the pull request."""
    git(tmp_path, "clone", "remote", "training")
    training, folder = tmp_path / "training", tmp_path / "proposals/leak"
    git(training, "switch", "--create", BRANCH)
    (training / "bundle.json").write_text("{}\n", encoding="utf-8")
    git(training, "add", ".")
    git(training, "commit", "--message", "feat(models): leak abc")
    folder.mkdir(parents=True)
    git(training, "bundle", "create", str(folder / "branch.bundle"), f"main..{BRANCH}")
    (folder / "title.txt").write_text("feat(models): leak abc\n", encoding="utf-8")
    (folder / "body.md").write_text("Better.\n", encoding="utf-8")
    return folder.parent


def test_the_branch_is_pushed_and_the_pull_request_opened(
    run: Run, clone: Path, proposals: Path, calls: Callable, git: Git, tmp_path: Path
) -> None:
    done = run("open-proposals.sh", str(proposals), folder=clone, clients={"gh": GH.format(there=0)})
    assert done.returncode == 0, done.stderr
    assert git(tmp_path / "remote", "show", f"{BRANCH}:bundle.json") == "{}"
    assert git(tmp_path / "remote", "rev-parse", f"{BRANCH}~") == git(clone, "rev-parse", "main")
    assert calls()[-1] == (
        f"gh pr create --base main --head {BRANCH} --title feat(models): leak abc --body-file {proposals}/leak/body.md"
    )


def test_a_shallow_clone_is_enough(run: Run, clone: Path, proposals: Path, git: Git, tmp_path: Path) -> None:
    # as actions/checkout makes it
    git(tmp_path, "clone", "--depth", "1", f"file://{tmp_path}/remote", "shallow")
    done = run("open-proposals.sh", str(proposals), folder=tmp_path / "shallow", clients={"gh": GH.format(there=0)})
    assert done.returncode == 0, done.stderr
    assert git(tmp_path / "remote", "show", f"{BRANCH}:bundle.json") == "{}"


def test_what_was_opened_once_is_not_opened_again(
    run: Run, clone: Path, proposals: Path, calls: Callable, git: Git, tmp_path: Path
) -> None:
    run("open-proposals.sh", str(proposals), folder=clone, clients={"gh": GH.format(there=0)})
    before = git(tmp_path / "remote", "rev-parse", BRANCH)
    done = run("open-proposals.sh", str(proposals), folder=clone, clients={"gh": GH.format(there=1)})
    assert done.returncode == 0, done.stderr
    assert "has a pull request already" in done.stdout
    assert git(tmp_path / "remote", "rev-parse", BRANCH) == before
    assert [line for line in calls() if "create" in line] == calls()[1:2]


def test_a_branch_that_was_pushed_without_a_pull_request_gets_one(
    run: Run, clone: Path, proposals: Path, calls: Callable
) -> None:
    refused = 'case "$2" in list) echo 0 ;; create) exit 1 ;; esac'
    assert run("open-proposals.sh", str(proposals), folder=clone, clients={"gh": refused}).returncode == 1
    done = run("open-proposals.sh", str(proposals), folder=clone, clients={"gh": GH.format(there=0)})
    assert done.returncode == 0, done.stderr
    assert "gh pr create" in calls()[-1]


def test_without_a_proposal_nothing_happens(run: Run, clone: Path, calls: Callable, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = run("open-proposals.sh", str(tmp_path / "none"), folder=clone, clients={"gh": "exit 1"})
    assert done.returncode == 0
    assert "no model is proposed" in done.stdout
    assert calls() == []
