"""Messages that cannot be decided on, put aside for a person to look at."""

from __future__ import annotations

from aiot_anomaly.errors import MessageError
from functions.envelope import PushMessage
from functions.publisher import Outgoing

#: what is added to a message's own attributes
OWN_ATTRIBUTES = ("code", "reason", "message_id", "publish_time")
# Pub/Sub's limits
_MOST_ATTRIBUTES = 100
_MOST_VALUE_BYTES = 1024


def parked(message: PushMessage, error: MessageError) -> Outgoing:
    """The message as it came, with the reason beside its attributes."""
    told = (error.code, str(error), message.id, message.publish_time)
    own = dict(zip(OWN_ATTRIBUTES, map(_cut, told), strict=True))
    room = _MOST_ATTRIBUTES - len(own)
    original = {k: v for k, v in message.attributes.items() if k not in own}
    return Outgoing(message.data, dict(list(original.items())[:room]) | own)


def _cut(text: str) -> str:
    return text.encode()[:_MOST_VALUE_BYTES].decode(errors="ignore")
