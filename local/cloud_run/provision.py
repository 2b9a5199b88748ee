"""What Terraform does in the cloud: makes the service and deletes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

PROJECT, REGION = "aiot-local", "europe-west1"
_PARENT = f"projects/{PROJECT}/locations/{REGION}"


def create(endpoint: str, service: str, image: str, labels: Mapping[str, str] | None = None) -> None:
    """Makes a service whose first revision has all traffic, and waits until it serves.

    Args:
        endpoint: host:port of the stand-in.
        service: short name.
        image: of the first revision.
        labels: of the first revision.
    """
    template = run_v2.RevisionTemplate(containers=[run_v2.Container(image=image)], labels=dict(labels or {}))
    made = _client(endpoint).create_service(
        parent=_PARENT, service=run_v2.Service(template=template), service_id=service
    )
    made.result()


def delete(endpoint: str, service: str) -> None:
    """Deletes a service and ends its revisions."""
    _client(endpoint).delete_service(name=f"{_PARENT}/services/{service}").result()


def _client(endpoint: str) -> Any:
    return run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=grpc.insecure_channel(endpoint)))
