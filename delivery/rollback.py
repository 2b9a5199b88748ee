"""Rollback: all traffic to a revision that served before, chosen by name, by a bundle that it serves, or as `previous`.

It takes seconds, because the revision exists, and moves no code: the branch still holds what was rolled back, and the
next push would deliver it again. `advice` says what to do about that.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from delivery.cloud_run import CloudRun
from delivery.errors import ChoiceError
from delivery.rollout import CANDIDATE, PREVIOUS, serving
from delivery.service import Revision, Snapshot, Target


class Choice(BaseModel):
    """What to go back to; with neither, the revision that served before the last roll-out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: str | None = None
    bundle: str | None = None


class Rollback(BaseModel):
    """A rollback that was done.

    Attributes:
        serves: the revision that has all traffic now.
        instead_of: the one that had it.
        advice: what to do in git, one command a line.
    """

    model_config = ConfigDict(frozen=True)

    serves: str
    instead_of: str
    advice: tuple[str, ...]


def roll_back(cloud: CloudRun, choice: Choice) -> Rollback:
    """Gives all traffic to the chosen revision.

    Raises:
        ChoiceError: there is no such revision, or it cannot serve.
        CloudRunError: Cloud Run refused.
    """
    state, revisions = cloud.read(), cloud.revisions()
    target = choose(choice, state, revisions)
    if not target.ready:
        raise ChoiceError(f"{target.name} cannot serve, its state is not ready: {target.why}; choose another")
    # what is on trial is left, whatever its share; else what has the most traffic
    left = state.tagged(CANDIDATE) or max(state.traffic, key=lambda t: t.percent).revision
    cloud.route(state, (Target(revision=target.name, percent=100),))
    now = next((r for r in revisions if r.name == left), target)
    return Rollback(serves=target.name, instead_of=left, advice=advice(now, target))


def unfinished(cloud: CloudRun) -> Choice | None:
    """What served before a roll-out that was cut off; None where none was.

    Raises:
        CloudRunError: the service cannot be read.
    """
    state = cloud.read()
    return Choice(revision=serving(state)) if state.tagged(CANDIDATE) else None


def choose(choice: Choice, state: Snapshot, revisions: Sequence[Revision]) -> Revision:
    """The revision that is meant.

    Args:
        choice: what was asked for.
        state: the service.
        revisions: its revisions, the newest first.

    Raises:
        ChoiceError: there is none; the text names those that there are.
    """
    if choice.bundle:
        return _serving_bundle(choice.bundle, state, revisions)
    name = choice.revision or state.tagged(PREVIOUS)
    if name is None:
        raise ChoiceError(
            f"no revision is tagged {PREVIOUS}, so none is known to have served before: name one, "
            f"--revision or --bundle; there are {_listed(revisions)}"
        )
    found = next((r for r in revisions if r.name == name), None)
    if found is None:
        raise ChoiceError(f"no revision {name}; there are {_listed(revisions)}")
    return found


def _serving_bundle(bundle: str, state: Snapshot, revisions: Sequence[Revision]) -> Revision:
    profile, _, version = bundle.partition("@")
    if not profile or not version:
        raise ChoiceError(f"found bundle {bundle!r}, expected PROFILE@VERSION such as leak@f7aae87e6535")
    holding = [r for r in revisions if r.bundles.get(profile) == version]
    if not holding:
        raise ChoiceError(f"no revision serves {bundle}; there are {_listed(revisions)}")
    # a later one that failed its roll-out or does not start must not hide one that is known to serve
    ready = [r for r in holding if r.ready]
    proven = [r for r in ready if r.name in (serving(state), state.tagged(PREVIOUS))]
    return (proven or ready or holding)[0]


def advice(left: Revision, target: Revision) -> tuple[str, ...]:
    """What keeps the next push from delivering again what was left: one command a line."""
    changed = sorted(p for p, version in left.bundles.items() if target.bundles.get(p) != version)
    if left.name == target.name or not target.commit:
        return ()
    if changed:
        folders = " ".join(f"serving/models/{profile}" for profile in changed)
        versions = ", ".join(f"{p}@{target.bundles.get(p, 'none')}" for p in changed)
        return (
            f"git checkout {target.commit} -- {folders}",
            f'git commit -m "revert(models): back to {versions}" -- {folders}',
            "git push",
        )
    return (f"git revert --no-edit {target.commit}..{left.commit or 'HEAD'}", "git push")


def _listed(revisions: Sequence[Revision], most: int = 8) -> str:
    names = [
        f"{r.name} ({', '.join(f'{p}@{v}' for p, v in sorted(r.bundles.items())) or 'no bundle'})" for r in revisions
    ]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
