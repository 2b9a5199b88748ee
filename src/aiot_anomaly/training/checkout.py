"""Git, as far as a proposal needs it: another commit in a work tree of its own, away from the person's."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiot_anomaly.errors import TrainingError


def git(folder: Path, *arguments: str) -> str:
    """What git answers in `folder`, stripped.

    Raises:
        TrainingError: git failed, with what it said; or it is not installed.
    """
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            ["git", *arguments],  # noqa: S607 - the git of the PATH is the person's own
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise TrainingError("git is not installed, and a proposal is a branch: install git") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise TrainingError(f"git {' '.join(arguments)} failed in {folder}: {said}")
    return done.stdout.strip()


def commit_of(repository: Path, reference: str) -> str:
    """The commit that a reference names, or an empty text if there is none of that name."""
    # for-each-ref and not rev-parse: a missing reference is an answer here, no failure
    return git(repository, "for-each-ref", "--format=%(objectname)", reference)


def commit_of_remote(repository: Path, remote: str, branch: str) -> str:
    """The commit of a remote's branch, or an empty text if it has no such branch."""
    listed = git(repository, "ls-remote", "--heads", remote, f"refs/heads/{branch}")
    return listed.split()[0] if listed else ""


@contextmanager
def work_tree(repository: Path, revision: str) -> Iterator[Path]:
    """A temporary work tree of a revision, on no branch; gone afterwards, whatever happened in it."""
    with tempfile.TemporaryDirectory(prefix="aiot-proposal-") as scratch:
        tree = Path(scratch).resolve() / "tree"
        git(repository, "worktree", "add", "--quiet", "--detach", str(tree), revision)
        try:
            yield tree
        finally:
            git(repository, "worktree", "remove", "--force", str(tree))
