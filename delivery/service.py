"""A Cloud Run service as it was read: its revisions and who of them gets the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.cloud import run_v2
from pydantic import BaseModel, ConfigDict

from delivery.errors import CloudRunError
from delivery.labels import BUNDLE, COMMIT

_SUCCEEDED = run_v2.Condition.State.CONDITION_SUCCEEDED


class Target(BaseModel):
    """A share of the traffic, and the tag under which a revision can be reached alone."""

    model_config = ConfigDict(frozen=True)

    revision: str
    percent: int = 0
    tag: str = ""


@dataclass(frozen=True)
class Revision:
    """An immutable version of the service.

    Attributes:
        name: short, without the resource's path.
        ready: whether it started and can serve, also when it is scaled to zero.
        why: what the API says where it is not ready.
    """

    name: str
    image: str
    created: datetime
    ready: bool
    why: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The commit that it was delivered from; empty where it was not delivered."""
        return self.labels.get(COMMIT, "")

    @property
    def bundles(self) -> Mapping[str, str]:
        """Versions of the bundles that it serves, by profile; empty for the placeholder that Terraform starts with."""
        return {k.removeprefix(BUNDLE): v for k, v in self.labels.items() if k.startswith(BUNDLE)}


@dataclass(frozen=True)
class Snapshot:
    """The service as it was read.

    Attributes:
        message: the API's own, for the next write.
        traffic: who gets how much; "latest" is resolved to the revision that it means.
    """

    message: Any
    traffic: tuple[Target, ...]

    @property
    def url(self) -> str:
        """Where the service is reached, which is also the audience of its ID tokens."""
        return str(self.message.uri)

    @property
    def latest_created(self) -> str:
        """The revision that was made last, ready or not."""
        return _short(self.message.latest_created_revision)

    def tagged(self, tag: str) -> str | None:
        """The revision that has a tag."""
        return next((t.revision for t in self.traffic if t.tag == tag), None)

    def share(self, revision: str) -> int:
        """Percent of the traffic that a revision gets."""
        return sum(t.percent for t in self.traffic if t.revision == revision)

    def url_of(self, tag: str) -> str:
        """Where the revision with a tag is reached.

        Raises:
            CloudRunError: it is not reachable.
        """
        found = next((str(s.uri) for s in self.message.traffic_statuses if s.tag == tag), "")
        if not found:
            raise CloudRunError(f"Cloud Run gave the tag {tag} no URL: is the service's default URL disabled?")
        return found


def read_snapshot(message: Any) -> Snapshot:
    """The service that the API told of."""
    latest = _short(message.latest_ready_revision)
    traffic = tuple(Target(revision=t.revision or latest, percent=t.percent, tag=t.tag) for t in message.traffic)
    # a service without a word about traffic gives all of it to the latest revision
    return Snapshot(message, traffic or (Target(revision=latest, percent=100),))


def read_revision(message: Any) -> Revision:
    """The revision that the API told of."""
    condition = next((c for c in message.conditions if c.type_ == "Ready"), None)
    ready = condition is not None and condition.state == _SUCCEEDED
    return Revision(
        name=_short(message.name),
        image=message.containers[0].image,
        created=message.create_time,
        ready=ready,
        why="" if ready else (condition.message if condition is not None else "Cloud Run says nothing of it"),
        labels=dict(message.labels),
    )


def _short(name: str) -> str:
    return name.rpartition("/")[2]
