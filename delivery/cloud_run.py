"""One Cloud Run service, through the Admin API v2.

Terraform owns the service; delivery changes four things and nothing else: the image and the labels of the template, and
the traffic with its tags. Two rules follow from how Cloud Run and Terraform behave:

- A revision is never named by delivery. A name in the template stays there, and the next change of the template by
  somebody else (Terraform raising the memory) is then refused: "revision named … with different configuration exists".
- Traffic always names revisions, never "latest". A revision that Terraform makes gets none until it is delivered.

Each write carries the etag of what was read, so that a change in between is an error and not lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.future.polling import DEFAULT_POLLING
from google.auth.exceptions import GoogleAuthError
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

from delivery.errors import ChoiceError, CloudRunError, ConflictError
from delivery.labels import BUNDLE
from delivery.service import Revision, Snapshot, Target, read_revision, read_snapshot

_NAMED = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
# a revision is ready within seconds, so ask often
_POLLING = DEFAULT_POLLING.with_delay(initial=0.25, maximum=4.0, multiplier=1.5)


class CloudRun:
    """Reads and changes one service.

    Args:
        project: id of the project.
        region: of the service.
        service: its short name.
        endpoint: host:port of a stand-in, which is spoken to without credentials; None is Google Cloud.
        timeout_s: how long a revision may take until it is ready.
    """

    def __init__(
        self, project: str, region: str, service: str, *, endpoint: str | None = None, timeout_s: float = 600.0
    ) -> None:
        self.name = service
        self._resource = f"projects/{project}/locations/{region}/services/{service}"
        self._timeout_s = timeout_s
        with _refusals(self._resource):
            if endpoint:
                channel = grpc.insecure_channel(endpoint)
                self._services = run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=channel))
                self._revisions = run_v2.RevisionsClient(transport=RevisionsGrpcTransport(channel=channel))
            else:
                self._services, self._revisions = run_v2.ServicesClient(), run_v2.RevisionsClient()

    def read(self) -> Snapshot:
        """The service as it is now.

        Raises:
            CloudRunError: it cannot be read.
        """
        with _refusals(self._resource):
            return read_snapshot(self._services.get_service(name=self._resource))

    def deploy(self, seen: Snapshot, image: str, labels: Mapping[str, str]) -> Snapshot:
        """Makes a revision that gets no traffic, and waits until it is ready.

        Where neither image nor labels change, Cloud Run makes none and the latest one stays.

        Args:
            seen: the service as it was read; its traffic is pinned to the revisions that it names.
            image: by digest.
            labels: of the revision; labels of these names and of other bundles are replaced, all others stay.

        Raises:
            ConflictError: the service was changed since.
            CloudRunError: Cloud Run refused, or the revision did not become ready.
        """
        service = run_v2.Service(seen.message)
        kept = {k: v for k, v in service.template.labels.items() if not k.startswith(BUNDLE)}
        service.template.containers[0].image = image
        service.template.labels = {**kept, **labels}
        service.template.revision = ""
        service.traffic = _messages(seen.traffic)
        done = self._update(service, ["template", "traffic"])
        # the service as it is after the wait: what was made last may be another's, or the same that failed before
        made = self.revision(done.latest_created)
        if made.image != image:
            text = f"{made.name} was made meanwhile: found image {made.image}, expected {image}: run this again, alone"
            raise ConflictError(f"{self._resource} was changed by somebody else: {text}")
        if not made.ready:
            raise CloudRunError(f"{made.name} is not ready and cannot serve traffic: {made.why}")
        return done

    def route(self, seen: Snapshot, traffic: Sequence[Target]) -> Snapshot:
        """Shares out the traffic, and waits until it flows that way.

        Raises:
            ConflictError: the service was changed since it was `seen`.
            CloudRunError: Cloud Run refused.
        """
        service = run_v2.Service(seen.message)
        service.traffic = _messages(traffic)
        return self._update(service, ["traffic"])

    def revisions(self) -> list[Revision]:
        """All revisions, the newest first.

        Raises:
            CloudRunError: they cannot be listed.
        """
        with _refusals(self._resource):
            found = [read_revision(r) for r in self._revisions.list_revisions(parent=self._resource)]
        return sorted(found, key=lambda r: r.created, reverse=True)

    def revision(self, name: str) -> Revision:
        """One revision.

        Raises:
            ChoiceError: there is none of this name; the text names the newest.
            CloudRunError: it cannot be read.
        """
        try:
            with _refusals(self._resource):
                return read_revision(self._revisions.get_revision(name=f"{self._resource}/revisions/{name}"))
        except CloudRunError as e:
            if not isinstance(e.__cause__, exceptions.NotFound):
                raise
        newest = ", ".join(r.name for r in self.revisions()[:5])
        raise ChoiceError(f"{self.name} has no revision {name}; the newest are {newest}")

    def _update(self, service: Any, fields: list[str]) -> Snapshot:
        with _refusals(self._resource):
            request = run_v2.UpdateServiceRequest(service=service, update_mask={"paths": fields})
            operation: Any = self._services.update_service(request=request)
            return read_snapshot(operation.result(timeout=self._timeout_s, polling=_POLLING))


@contextmanager
def _refusals(resource: str) -> Iterator[None]:
    """Turns what the client raises into this package's errors, each with what to do."""
    try:
        yield
    except exceptions.Conflict as e:
        text = f"{resource} was changed by somebody else since it was read ({e.message}): run this again, alone"
        raise ConflictError(text) from e
    except exceptions.NotFound as e:
        raise CloudRunError(f"{resource} was not found: is it applied by Terraform? ({e.message})") from e
    except exceptions.PermissionDenied as e:
        needed = "roles/run.developer on the service and roles/iam.serviceAccountUser on its account"
        raise CloudRunError(f"{resource}: not allowed: {e.message}; delivering needs {needed}") from e
    except GoogleAuthError as e:
        raise CloudRunError(f"{resource}: no credentials: {e}") from e
    except exceptions.GoogleAPIError as e:
        raise CloudRunError(f"{resource}: {getattr(e, 'message', e)}") from e
    except TimeoutError as e:
        raise CloudRunError(f"{resource}: Cloud Run did not finish in time: {e}") from e


def _messages(traffic: Sequence[Target]) -> list[Any]:
    return [run_v2.TrafficTarget(type_=_NAMED, revision=t.revision, percent=t.percent, tag=t.tag) for t in traffic]
