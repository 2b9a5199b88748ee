"""The Admin API v2, as far as a roll-out needs it: services, their revisions, and the operations that change them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
from google.cloud.run_v2 import types

from local.cloud_run.errors import RefusalError
from local.cloud_run.operations import Operations
from local.cloud_run.registry import Registry
from local.cloud_run.rpc import service, unary
from local.cloud_run.service import Service

_FIELDS = {"template", "traffic"}


class Admin:
    """Answers the calls of the Services and Revisions clients.

    Args:
        front: URL of the HTTP front.
        registry: of the images.
        logs: folder of the revisions' logs.
    """

    def __init__(self, front: str, registry: Registry, logs: Path) -> None:
        self.services: dict[str, Service] = {}
        self._front, self._registry, self._logs = front, registry, logs
        self._operations = Operations()

    def rpc_services(self) -> tuple[Any, ...]:
        """The gRPC services."""
        services = service(
            "google.cloud.run.v2.Services",
            CreateService=unary(self._create, types.CreateServiceRequest.pb().FromString),
            GetService=unary(self._get, types.GetServiceRequest.pb().FromString),
            UpdateService=unary(self._update, types.UpdateServiceRequest.pb().FromString),
            DeleteService=unary(self._delete, types.DeleteServiceRequest.pb().FromString),
        )
        revisions = service(
            "google.cloud.run.v2.Revisions",
            GetRevision=unary(self._get_revision, types.GetRevisionRequest.pb().FromString),
            ListRevisions=unary(self._list_revisions, types.ListRevisionsRequest.pb().FromString),
        )
        return services, revisions, self._operations.service()

    async def stop(self) -> None:
        """Ends all processes."""
        await asyncio.gather(*(_stopped(found) for found in self.services.values()))

    async def _create(self, request: Any) -> Any:
        name = f"{request.parent}/services/{request.service_id}"
        if request.service_id in self.services:
            raise RefusalError(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{request.service_id}' already exists.")
        request.service.name = name
        url = f"{self._front}/services/{request.service_id}"
        made = self.services[request.service_id] = Service(request.service, url, self._registry, self._logs)
        return self._operations.start(request.parent, self._reconciled(made, made.add()))

    async def _get(self, request: Any) -> Any:
        return self._found(request.name).told()

    async def _update(self, request: Any) -> Any:
        fields = set(request.update_mask.paths) or _FIELDS
        if not fields <= _FIELDS:
            text = f"update_mask {sorted(fields)}: the stand-in changes {sorted(_FIELDS)} only"
            raise RefusalError(grpc.StatusCode.UNIMPLEMENTED, text)
        found = self._found(request.service.name)
        starting = found.change(request.service, fields)
        parent = str(found.proto.name).partition("/services/")[0]
        return self._operations.start(parent, self._reconciled(found, starting))

    async def _delete(self, request: Any) -> Any:
        found = self._found(request.name)
        del self.services[found.name]

        async def ended() -> Any:
            await _stopped(found)
            return found.told()

        return self._operations.start(request.name.partition("/services/")[0], ended())

    async def _get_revision(self, request: Any) -> Any:
        parent, _, name = request.name.partition("/revisions/")
        revision = self._found(parent).revisions.get(name)
        if revision is None:
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"Resource '{name}' of kind 'REVISION' does not exist.")
        return revision.proto

    async def _list_revisions(self, request: Any) -> Any:
        revisions = [r.proto for r in self._found(request.parent).revisions.values()]
        return types.ListRevisionsResponse.pb()(revisions=revisions)

    async def _reconciled(self, found: Service, starting: str | None) -> Any:
        if starting:
            await found.start(starting)
        return found.told()

    def _found(self, resource: str) -> Service:
        found = self.services.get(resource.rpartition("/")[2])
        if found is None or found.proto.name != resource:
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"Resource '{resource}' of kind 'SERVICE' does not exist.")
        return found


async def _stopped(found: Service) -> None:
    await asyncio.gather(*(revision.stop() for revision in found.revisions.values()))
