"""What Pub/Sub is told of each push: done, come again, or broken."""

from __future__ import annotations

import logging

from aiot_anomaly.errors import MessageError
from functions.envelope import PushMessage, decode
from functions.errors import EnvelopeError, TransientError
from functions.parking import parked
from functions.pipeline import Pipeline
from functions.publisher import Publisher
from functions.store import WindowStore

DONE = 204
COME_AGAIN = 503
BROKEN = 500

_log = logging.getLogger(__name__)


class Handler:
    """Answers push requests. Safe for use from several threads."""

    def __init__(self, store: WindowStore, pipeline: Pipeline, publisher: Publisher, parked_topic: str) -> None:
        self._store = store
        self._pipeline = pipeline
        self._publisher = publisher
        self._topic = parked_topic

    def handle(self, body: bytes) -> int:
        """Takes the body of a push request in and gives the HTTP status to answer.

        204 acknowledges: the message is decided on, or parked. With any other status Pub/Sub delivers it again.
        """
        fields: dict[str, object] = {}
        try:
            try:
                message = decode(body)
                fields |= {"message_id": message.id, "attempt": message.attempt}
                self._pipeline.take(message)
            except EnvelopeError as e:
                # a refusal would not tell Pub/Sub anything: it would deliver the same again
                self._park(e.message, e)
            except MessageError as e:
                self._park(message, e)
        except TransientError as e:
            _log.warning("not now: %s", e, extra={"fields": fields | {"code": e.code}})
            return COME_AGAIN
        except Exception:
            _log.exception("unexpected: the message is not acknowledged", extra={"fields": fields})
            return BROKEN
        return DONE

    def _park(self, message: PushMessage, error: MessageError) -> None:
        # published first: a crash in between publishes it twice and counts it once, never the other way round
        self._publisher.publish(self._topic, [parked(message, error)])
        self._store.park(message.id, message.attributes.get("profile", ""), error.code)
        fields = {"message_id": message.id, "code": error.code}
        _log.warning("parked: %s", error, extra={"fields": fields})
