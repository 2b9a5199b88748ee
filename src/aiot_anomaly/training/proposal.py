"""The proposal: a better model on a branch of its own, with its card, for a person to merge."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aiot_anomaly import detector, paths, profile_store
from aiot_anomaly.bundle import Manifest
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import model_card, record
from aiot_anomaly.training.checkout import commit_of, commit_of_remote, git, work_tree
from aiot_anomaly.training.comparison import Decision
from aiot_anomaly.training.packaging import GOLDEN_AT_BUILD
from aiot_anomaly.training.promotion import champion
from aiot_anomaly.training.record import Record

#: golden scores, checksums, and the same scores from Keras, from ONNX and through the API
CHECK = (
    f"{shlex.quote(sys.executable)} -m pytest -q "
    "tests/aiot_anomaly/test_committed_bundles.py tests/serving/test_committed_models.py"
)


@dataclass(frozen=True)
class Proposal:
    """What became of a proposal.

    Attributes:
        proposed: True when the branch is there, made now or before.
        reason: one sentence for people.
        branch: empty when nothing was proposed.
        title: file with the title of the pull request.
        body: file with its text.
    """

    proposed: bool
    reason: str
    branch: str = ""
    title: Path | None = None
    body: Path | None = None


def propose(
    profile_name: str,
    run: str = "",
    *,
    remote: str = "origin",
    base: str = "main",
    push: bool = True,
    check: str = CHECK,
) -> Proposal:
    """Proposes a trained model if it is better than the champion: branch `model/<profile>-<version>`.

    The branch is made in a temporary work tree: the person's own is not touched. A version is proposed once: where
    its branch exists already, it is left as it is.

    Args:
        profile_name: the kind of device.
        run: the pipeline's MLflow run; the newest registered version if empty.
        remote: where the branch goes.
        base: the branch that it starts from: the remote's, or the local one without a push.
        push: False leaves the branch in this repository and does not contact the remote at all.
        check: a shell command, run in the work tree with the bundle in place; a failure proposes nothing.

    Raises:
        TrainingError: there is no such run, it was compared with another champion, or the check or git failed.
        BundleError: the candidate does not give its golden scores to 1e-5.
    """
    profile = profile_store.load(profile_name)
    repository = paths.root()
    reports = repository / "reports" / "proposal" / profile.name
    shutil.rmtree(reports, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        kept = record.fetch(profile.name, run, Path(scratch))
        manifest = detector.load(kept.bundle, tolerance=GOLDEN_AT_BUILD).bundle.manifest
        decision = kept.decision
        if decision is None:
            raise TrainingError(f"run {kept.run_id} has no decision against the champion: train again")
        if not decision.better:
            return Proposal(False, decision.reason)
        branch = f"model/{profile.name}-{manifest.version}"
        with work_tree(repository, _start(repository, remote if push else "", base)) as tree:
            found, in_service = champion(profile, tree / "serving" / "models")
            if found is not None and in_service == manifest.version:
                return Proposal(False, f"version {in_service} is already in service")
            if (in_service if found is not None else "") != decision.champion:
                raise TrainingError(
                    f"run {kept.run_id} was compared with champion {decision.champion or 'none'}, but {base} has "
                    f"{in_service}: bring your checkout up to date and train again"
                )
            commit = _existing(repository, remote if push else "", branch)
            if not commit:
                commit = _commit(tree, kept, manifest, decision)
                _check(tree, check)
                if push:
                    git(tree, "push", "--quiet", remote, f"{commit}:refs/heads/{branch}")
                else:
                    git(tree, "branch", branch, commit)
        reports.mkdir(parents=True)
        title, body = reports / "title.txt", reports / "body.md"
        title.write_text(_subject(manifest) + "\n", encoding="utf-8")
        body.write_text(_body(kept, manifest, decision, commit), encoding="utf-8")
    return Proposal(True, decision.reason, branch, title, body)


def _start(repository: Path, remote: str, base: str) -> str:
    if remote:
        git(repository, "fetch", "--quiet", remote, base)
        return git(repository, "rev-parse", "FETCH_HEAD")
    found = commit_of(repository, f"refs/heads/{base}")
    if not found:
        raise TrainingError(f"no branch {base} in {repository} to start from: git switch {base}, or name one by --base")
    return found


def _existing(repository: Path, remote: str, branch: str) -> str:
    if remote:
        return commit_of_remote(repository, remote, branch)
    return commit_of(repository, f"refs/heads/{branch}")


def _commit(tree: Path, kept: Record, manifest: Manifest, decision: Decision) -> str:
    folder = tree / "serving" / "models" / manifest.profile.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept.bundle, folder)
    model_card.write(folder, kept)
    git(tree, "add", "--all", "--", str(folder))
    git(
        tree, "commit", "--quiet",
        "--message", _subject(manifest),
        "--message", f"{decision.reason[0].upper()}{decision.reason[1:]}.",
        "--message", f"Training run {kept.run_id}, code {manifest.git_commit}, data {manifest.data_fingerprint[:12]}.",
    )  # fmt: skip
    return git(tree, "rev-parse", "HEAD")


def _check(tree: Path, command: str) -> None:
    """Runs the check in the work tree, on its code and bundles instead of the installed ones."""
    environment = {name: value for name, value in os.environ.items() if name != "AIOT_HOME"}
    environment["PYTHONPATH"] = str(tree / "src")
    done = subprocess.run(command, shell=True, cwd=tree, env=environment, check=False)  # noqa: S602 - a shell is what the person's own command is for
    if done.returncode != 0:
        raise TrainingError(f"the check failed with exit code {done.returncode}, nothing was proposed: {command}")


def _subject(manifest: Manifest) -> str:
    return f"feat(models): {manifest.profile.name} {manifest.version}"


def _body(kept: Record, manifest: Manifest, decision: Decision, commit: str) -> str:
    folder = f"serving/models/{manifest.profile.name}"
    server, name = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    # by commit and not by branch: the pictures outlive the branch. Outside GitHub: paths in the branch
    raw, page = (f"{server}/{name}/{kind}/{commit}/" if server and name else "" for kind in ("raw", "blob"))
    parts = [
        f"Version `{manifest.version}` of the model `{manifest.profile.name}`: {decision.reason}.",
        model_card.requirements_table(decision),
        "## On the same held-out data",
        model_card.results_table(kept.results),
        *(
            f"![{model_card.PLOTS[p]}]({raw}{folder}/{p}.png)"
            for p in ("precision_recall", "scores")
            if p in kept.plots()
        ),
        f"The whole [model card]({page}{folder}/{model_card.CARD}). Training run `{kept.run_id}`, code "
        f"`{manifest.git_commit}`, data `{manifest.data_fingerprint[:12]}`.",
    ]
    return "\n\n".join(p for p in parts if p) + "\n"
