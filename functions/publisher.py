"""Publishing, with the confirmation awaited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.api_core import gapic_v1
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest, PublishResponse, PubsubMessage

from functions import retrying
from functions.errors import PublishError

#: Pub/Sub takes 1,000 messages and 10 MB in a request
BATCH = 500
BATCH_BYTES = 4_000_000
# the plain protobuf classes and the plain call: what the client puts around them takes as long as the call itself
_Message = PubsubMessage.pb()
_Request = PublishRequest.pb()
_Response = PublishResponse.pb()
_METHOD = "/google.pubsub.v1.Publisher/Publish"


@dataclass(frozen=True)
class Outgoing:
    """A message to be published."""

    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)
    ordering_key: str = ""


class Publisher:
    """Publishes to the topics of one project. Safe for use from several threads.

    It calls Pub/Sub's `Publish` directly. The batching client on top of that waits for more messages to come, and
    retries for ever where there is an ordering key; here all decisions of one message go out in one request that
    has a deadline, and a failure is for Pub/Sub's redelivery to mend. PUBSUB_EMULATOR_HOST is obeyed.

    Args:
        project: of the topics.
        timeout_s: one request with its retries.
    """

    def __init__(self, project: str, *, timeout_s: float = 10.0) -> None:
        self._project = project
        self._client = PublisherClient()
        call = self._client.transport.grpc_channel.unary_unary(
            _METHOD, request_serializer=_Request.SerializeToString, response_deserializer=_Response.FromString
        )
        self._call = gapic_v1.method.wrap_method(call)  # type: ignore[no-untyped-call] # the library has no types
        self._limits = retrying.limits(timeout_s)

    def publish(self, topic: str, messages: Sequence[Outgoing]) -> None:
        """Publishes in this order and returns when Pub/Sub has all of them.

        Raises:
            PublishError: Pub/Sub did not confirm; some of the messages may be out all the same.
        """
        name = f"projects/{self._project}/topics/{topic}"
        routing = gapic_v1.routing_header.to_grpc_metadata((("topic", name),))  # type: ignore[no-untyped-call] # as above
        for batch in _batches(messages):
            raw = [_Message(data=m.data, attributes=m.attributes, ordering_key=m.ordering_key) for m in batch]
            try:
                self._call(_Request(topic=name, messages=raw), metadata=(routing,), **self._limits)
            except (GoogleAPIError, GoogleAuthError) as e:
                raise PublishError(f"{len(batch)} messages to {name}: {type(e).__name__} {e}") from e

    def close(self) -> None:
        """Closes the connection."""
        self._client.transport.close()


def _batches(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == BATCH or size + len(message.data) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.data)
    if batch:
        yield batch
