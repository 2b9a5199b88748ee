"""The proposal, with a real MLflow store and a real git remote: one branch for a better model, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training.__main__ import main
from aiot_anomaly.training.promotion import promote
from aiot_anomaly.training.proposal import propose
from serving import catalogue
from tests.aiot_anomaly.training.conftest import Registry

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

BRANCH = "model/tiny-tiny-1"
PASS = "true"


@dataclass
class Project:
    """A person's checkout with work in progress, and its remote."""

    home: Path
    origin: Path
    profile: str
    better: str  # MLflow runs
    worse: str

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder or self.home, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def branches(self, folder: Path | None = None) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads", folder=folder).split()

    def state(self) -> tuple[str, ...]:
        """All of the checkout that a person would miss."""
        commands = ("status --porcelain --branch", "rev-parse HEAD", "stash list", "worktree list")
        content = [p.read_text() for p in sorted(self.home.rglob("*.txt")) if "reports" not in p.parts]
        return (*(self.git(*c.split()) for c in commands), *content)

    def champion(self, run: str) -> None:
        """Puts a bundle in service on the remote's main branch."""
        promote(self.profile, run)
        self.git("add", "serving")
        self.git("commit", "--quiet", "--message", "a champion", "--", "serving")
        self.git("push", "--quiet", "origin", "HEAD:main")


@pytest.fixture
def project(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "person@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for name in ("GITHUB_OUTPUT", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    made = Project(
        tmp_path / "checkout", tmp_path / "origin.git", registry.profile, registry.pipeline_run, registry.runs["2"]
    )
    made.home.mkdir()
    made.git("init", "--quiet", "--bare", "--initial-branch", "main", str(made.origin), folder=tmp_path)
    made.git("init", "--quiet", "--initial-branch", "main")
    (made.home / ".gitignore").write_text("reports/\nmlruns/\n")
    (made.home / "notes.txt").write_text("as committed")
    made.git("add", ".gitignore", "notes.txt")
    made.git("commit", "--quiet", "--message", "the start")
    made.git("remote", "add", "origin", str(made.origin))
    made.git("push", "--quiet", "origin", "main")
    made.git("switch", "--quiet", "--create", "work-in-progress")
    (made.home / "notes.txt").write_text("not committed yet")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registry.home / 'mlruns' / 'mlflow.db'}")
    monkeypatch.setenv("AIOT_HOME", str(made.home))
    return made


def test_a_better_model_is_on_a_branch_of_the_remote_as_a_bundle_that_is_served(project, tmp_path):
    before = project.state()
    found = propose(project.profile, project.better, check=PASS)
    assert (found.proposed, found.branch) == (True, BRANCH)
    assert project.branches(project.origin) == ["main", BRANCH]
    project.git("clone", "--quiet", "--branch", BRANCH, str(project.origin), str(tmp_path / "clone"), folder=tmp_path)
    models = tmp_path / "clone" / "serving" / "models"
    assert catalogue.load(models).get("tiny").bundle.version == "tiny-1"
    assert {p.name for p in (models / "tiny").iterdir()} == {
        bundles.MANIFEST, *bundles.FILES, "README.md", "scores.png",
    }  # fmt: skip
    assert (models / "tiny" / "README.md").read_text().startswith("# A tiny device: model `tiny`, version tiny-1\n")
    assert project.state() == before
    assert project.branches() == ["main", "work-in-progress"]


def test_the_branch_is_one_conventional_commit_on_the_base_and_changes_the_bundle_only(project):
    propose(project.profile, project.better, check=PASS)
    assert project.git("log", "--format=%s", BRANCH, folder=project.origin).splitlines() == [
        "feat(models): tiny tiny-1", "the start",
    ]  # fmt: skip
    changed = project.git("diff", "--name-only", "main", BRANCH, folder=project.origin).splitlines()
    assert all(path.startswith("serving/models/tiny/") for path in changed)
    assert "No champion to compare with" in project.git("log", "-1", "--format=%b", BRANCH, folder=project.origin)


def test_a_model_that_is_not_better_leaves_no_branch_and_says_why(project, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    before = project.state()
    assert main(["propose", project.profile, "--run", project.worse, "--check", PASS]) == 0
    said = capsys.readouterr().out
    assert "AUC-PR: 0.750, expected at least 0.755" in said
    assert "nothing is proposed" in said
    outputs = dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text().splitlines())
    assert outputs == {"run": project.worse, "proposed": "false", "branch": "", "title": "", "body": ""}
    assert project.branches(project.origin) == ["main"]
    assert project.state() == before
    assert not (project.home / "reports").exists()


def test_a_workflow_is_told_the_branch_and_the_text_of_the_pull_request(project, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/name")
    assert main(["propose", project.profile, "--run", project.better, "--check", PASS]) == 0
    outputs = dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text().splitlines())
    assert (outputs["proposed"], outputs["branch"]) == ("true", BRANCH)
    assert Path(outputs["title"]).read_text() == "feat(models): tiny tiny-1\n"
    body = Path(outputs["body"]).read_text()
    commit = project.git("rev-parse", BRANCH, folder=project.origin)
    assert f"(https://git.example/owner/name/raw/{commit}/serving/models/tiny/scores.png)" in body
    assert f"(https://git.example/owner/name/blob/{commit}/serving/models/tiny/README.md)" in body
    assert "| **LSTM autoencoder** | 0.750 | 50% | 2 h |" in body


def test_a_version_is_proposed_once(project):
    propose(project.profile, project.better, check=PASS)
    first = project.git("rev-parse", BRANCH, folder=project.origin)
    again = propose(project.profile, project.better, check=PASS)
    assert (again.proposed, again.branch) == (True, BRANCH)
    assert project.git("rev-parse", BRANCH, folder=project.origin) == first
    assert again.body is not None
    assert "tiny-1" in again.body.read_text()


def test_a_failing_check_pushes_nothing(project, capsys):
    before = project.state()
    assert main(["propose", project.profile, "--run", project.better, "--check", "exit 3"]) == 1
    assert "the check failed with exit code 3, nothing was proposed: exit 3" in capsys.readouterr().err
    assert project.branches(project.origin) == ["main"]
    assert project.branches() == ["main", "work-in-progress"]
    assert project.state() == before
    assert not (project.home / "reports").exists()


def test_the_check_runs_on_the_branchs_own_files(project):
    check = 'test -z "${AIOT_HOME:-}" && test -f serving/models/tiny/bundle.json && test "$PYTHONPATH" = "$PWD/src"'
    assert propose(project.profile, project.better, check=check).proposed


def test_without_a_push_the_branch_stays_here_and_the_remote_is_not_asked(project):
    shutil.rmtree(project.origin)
    before = project.state()
    found = propose(project.profile, project.better, push=False, check=PASS)
    assert found.proposed
    assert project.branches() == ["main", BRANCH, "work-in-progress"]
    assert project.state() == before
    first = project.git("rev-parse", BRANCH)
    assert propose(project.profile, project.better, push=False, check=PASS).proposed
    assert project.git("rev-parse", BRANCH) == first


def test_what_is_in_service_already_is_not_proposed(project):
    project.champion(project.better)
    found = propose(project.profile, project.better, check=PASS)
    assert (found.proposed, found.reason) == (False, "version tiny-1 is already in service")


def test_a_model_that_was_compared_with_another_champion_is_refused(project):
    project.champion(project.worse)
    with pytest.raises(TrainingError, match=r"compared with champion none, but main has tiny-2: .* train again"):
        propose(project.profile, project.better, check=PASS)
    assert project.branches(project.origin) == ["main"]


def test_a_base_that_is_not_here_is_named(project):
    with pytest.raises(TrainingError, match=r"no branch release in .*: git switch release, or name one by --base"):
        propose(project.profile, project.better, push=False, base="release", check=PASS)


def test_what_git_says_is_passed_on(project):
    with pytest.raises(TrainingError, match="git fetch --quiet elsewhere main failed"):
        propose(project.profile, project.better, remote="elsewhere", check=PASS)


def test_a_trained_model_and_parameters_for_a_training_contradict_each_other(project, capsys):
    with pytest.raises(SystemExit):
        main(["propose", project.profile, "--run", project.better, "-p", "epochs=1"])
    assert "-p has no effect" in capsys.readouterr().err
