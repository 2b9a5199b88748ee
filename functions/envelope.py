"""The push request: how Pub/Sub wraps a message in JSON when it posts it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.errors import EnvelopeError


@dataclass(frozen=True)
class PushMessage:
    """One delivery of one message.

    Attributes:
        id: the same at each delivery.
        data: the bytes that were published; of an unreadable request, its body.
        attributes: that were published with it.
        publish_time: RFC 3339, as Pub/Sub gave it; empty if it did not.
        attempt: number of this delivery, where the subscription counts them.
    """

    id: str
    data: bytes
    attributes: Mapping[str, str]
    publish_time: str = ""
    attempt: int | None = None

    @property
    def published_at(self) -> int:
        """When it was published, in seconds since 1970; now, where Pub/Sub did not say."""
        try:
            return int(datetime.fromisoformat(self.publish_time).timestamp())
        except ValueError:
            return int(time.time())


class _Message(BaseModel):
    # Pub/Sub sends some fields in two spellings and may add others
    model_config = ConfigDict(extra="ignore")

    data: str = ""
    attributes: dict[str, str] = {}
    message_id: str = Field(alias="messageId", min_length=1)
    publish_time: str = Field(default="", alias="publishTime")


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: _Message
    attempt: int | None = Field(default=None, alias="deliveryAttempt")


def decode(body: bytes) -> PushMessage:
    """Unwraps the body of a push request.

    Raises:
        EnvelopeError: it is not what Pub/Sub posts, or its data is not base64.
    """
    try:
        envelope = _Envelope.model_validate_json(body)
    except ValidationError as e:
        fault = e.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(p) for p in fault["loc"]) or "body"
        # without an id, the content stands for it: the same body counts once however often it comes
        unread = PushMessage(f"sha256:{hashlib.sha256(body).hexdigest()}", body, {})
        raise EnvelopeError(f"push request: {where}: {fault['msg']}", unread) from None
    message = envelope.message
    try:
        data = base64.b64decode(message.data, validate=True)
    except binascii.Error as e:
        unread = PushMessage(message.message_id, body, message.attributes, message.publish_time, envelope.attempt)
        raise EnvelopeError(f"push request: message.data is not base64: {e}", unread) from None
    return PushMessage(message.message_id, data, message.attributes, message.publish_time, envelope.attempt)
