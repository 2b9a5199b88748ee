"""One service: its revisions, and who of them gets the next request."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
from google.cloud.run_v2 import types

from local.cloud_run.errors import RefusalError
from local.cloud_run.registry import Registry
from local.cloud_run.revision import RevisionProcess
from local.errors import StackError

NAMED = types.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
LATEST = types.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
_SUCCEEDED = types.Condition.State.CONDITION_SUCCEEDED
_FAILED = types.Condition.State.CONDITION_FAILED
_TAG = re.compile(r"[a-z](?:[a-z0-9-]{0,44}[a-z0-9])?")


class Service:
    """A service; `proto` is what the API tells of it.

    Args:
        proto: as it was created, with its full name.
        url: where the front serves it.
        registry: of the images.
        logs: folder of the revisions' logs.
    """

    def __init__(self, proto: Any, url: str, registry: Registry, logs: Path) -> None:
        self.proto = proto
        self.name = str(proto.name).rpartition("/")[2]
        self.revisions: dict[str, RevisionProcess] = {}
        self._registry, self._logs = registry, logs
        self._credits: Counter[str] = Counter()
        self.proto.uri = url
        if not self.proto.traffic:
            self.proto.traffic.add(type_=LATEST, percent=100)
        self._touch()

    def change(self, wanted: Any, fields: set[str]) -> str | None:
        """Takes over a template or traffic, and gives the name of the revision that must now start, if any.

        Raises:
            RefusalError: as the API would refuse it; nothing is changed then.
        """
        if wanted.etag and wanted.etag != self.proto.etag:
            text = f"Conflict for resource '{self.name}': etag {wanted.etag} was specified, it is {self.proto.etag} now"
            raise RefusalError(grpc.StatusCode.ABORTED, text)
        template = wanted.template if "template" in fields else self.proto.template
        changed = template != self.proto.template
        named = template.revision
        if changed and named in self.revisions:
            text = f"Revision named '{named}' with different configuration already exists."
            raise RefusalError(grpc.StatusCode.ALREADY_EXISTS, text)
        if "traffic" in fields:
            self._check(wanted.traffic)
            del self.proto.traffic[:]
            self.proto.traffic.extend(wanted.traffic)
        self.proto.template.CopyFrom(template)
        self._touch()
        return self.add(named) if changed else None

    def add(self, named: str = "") -> str:
        """A revision of the template as it is, not started yet."""
        name = named or f"{self.name}-{self.proto.generation:05d}-{uuid.uuid4().hex[:3]}"
        proto = types.Revision.pb()(
            name=f"{self.proto.name}/revisions/{name}",
            service=self.proto.name,
            labels=self.proto.template.labels,
            containers=self.proto.template.containers,
            reconciling=True,
        )
        proto.create_time.GetCurrentTime()
        self.revisions[name] = RevisionProcess(proto, self._logs)
        self.proto.latest_created_revision = proto.name
        return name

    async def start(self, name: str) -> None:
        """Starts a revision; it is ready then, or the operation fails as Cloud Run's does.

        Raises:
            RefusalError: it did not start.
        """
        revision = self.revisions[name]
        try:
            await revision.start(self._registry)
        except StackError as e:
            revision.proto.conditions.add(type_="Ready", state=_FAILED, message=str(e).partition("\n")[0])
            text = f"Revision '{name}' is not ready and cannot serve traffic. {e}"
            raise RefusalError(grpc.StatusCode.FAILED_PRECONDITION, text) from e
        finally:
            revision.proto.reconciling = False
        revision.proto.conditions.add(type_="Ready", state=_SUCCEEDED)
        self.proto.latest_ready_revision = revision.proto.name

    def told(self) -> Any:
        """The service as the API tells of it, with the URLs of its tags."""
        message = types.Service.pb()()
        message.CopyFrom(self.proto)
        for target in self.proto.traffic:
            url = f"{self.proto.uri}/tags/{target.tag}" if target.tag else ""
            message.traffic_statuses.add(
                type_=target.type_, revision=target.revision, percent=target.percent, tag=target.tag, uri=url
            )
        return message

    def next(self) -> str:
        """The revision that gets the next request: of any hundred in a row, each its percent, evenly mixed."""
        shares = Counter[str]()
        for target in self.proto.traffic:
            shares[self._resolved(target)] += target.percent
        self._credits = Counter({name: self._credits[name] + share for name, share in shares.items()})
        chosen = max(self._credits, key=lambda name: self._credits[name])
        self._credits[chosen] -= 100
        return chosen

    def tagged(self, tag: str) -> str | None:
        """The revision with a tag."""
        return next((self._resolved(t) for t in self.proto.traffic if t.tag == tag), None)

    def _resolved(self, target: Any) -> str:
        name = target.revision if target.type_ == NAMED else self.proto.latest_ready_revision
        return str(name).rpartition("/")[2]

    def _check(self, traffic: Any) -> None:
        tags = [t.tag for t in traffic if t.tag]
        unknown = [t.revision for t in traffic if t.type_ == NAMED and t.revision not in self.revisions]
        if sum(t.percent for t in traffic) != 100:
            fault = f"The sum of percents is {sum(t.percent for t in traffic)}, expected 100."
        elif unknown:
            fault = f"Revision '{unknown[0]}' does not exist or is deleted."
        elif len(set(tags)) < len(tags) or not all(_TAG.fullmatch(t) for t in tags):
            fault = f"Tags {tags} are not unique names."
        else:
            return
        raise RefusalError(grpc.StatusCode.INVALID_ARGUMENT, fault)

    def _touch(self) -> None:
        self.proto.generation += 1
        self.proto.etag = uuid.uuid4().hex
        self.proto.update_time.GetCurrentTime()
