"""What happens with one message: state, windows, predictions, decisions, state."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aiot_anomaly import stream
from aiot_anomaly.errors import MessageError
from aiot_anomaly.messages import SCHEMA_VERSION, ReadingBatch, check_against, parse_readings
from aiot_anomaly.profile import Profile
from functions import incidents
from functions.api_client import ApiClient
from functions.backoff import pause_s
from functions.decisions import decide, outgoing
from functions.envelope import PushMessage
from functions.errors import ConflictError
from functions.publisher import Publisher
from functions.store import WindowStore

#: of one message, where others write the same device's state
ATTEMPTS = 5


class Pipeline:
    """Takes messages in, one at a time and as often as they come. Safe for use from several threads.

    Decisions are published, and confirmed, before the state is written: what crashes in between is delivered
    again, finds the old state and publishes decisions of the same ids. Incidents are logged in between for the same
    reason: one that is logged twice has one id, and none is lost.
    """

    def __init__(self, store: WindowStore, api: ApiClient, publisher: Publisher, decisions_topic: str) -> None:
        self._store = store
        self._api = api
        self._publisher = publisher
        self._topic = decisions_topic

    def take(self, message: PushMessage) -> None:
        """Takes one message in.

        Raises:
            MessageError: it is none that can be decided on.
            TransientError: it can be taken in later.
        """
        profile = self._profile(message)
        batch = parse_readings(message.data)
        check_against(batch, profile, datetime.now(UTC))
        for attempt in range(ATTEMPTS):
            try:
                self._advance(profile, batch, message)
                return
            except ConflictError:
                if attempt + 1 == ATTEMPTS:
                    raise
                time.sleep(pause_s(attempt, first_s=0.02))
        raise AssertionError("not reached")

    def _profile(self, message: PushMessage) -> Profile:
        version = message.attributes.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise MessageError(
                f"schema_version is {version!r}, this release reads {SCHEMA_VERSION!r}", code="unknown_schema_version"
            )
        name = message.attributes.get("profile")
        if not name:
            raise MessageError("the message has no attribute 'profile'", code="missing_profile")
        return self._api.profile(name)

    def _advance(self, profile: Profile, batch: ReadingBatch, message: PushMessage) -> None:
        device = batch.device_id
        before, revision = self._store.read(profile.name, device)
        accepted = stream.accept(profile, before, batch, message.id, message.published_at)
        if accepted.redelivered:
            return
        state = accepted.state
        if len(accepted.windows):
            answers = self._api.predict(profile.name, device, accepted.windows)
            decisions, state = decide(profile, state, accepted.windows, answers, datetime.now(UTC))
            self._publisher.publish(self._topic, [outgoing(d, message) for d in decisions])
            incidents.report(decisions, {"message_id": message.id, "attempt": message.attempt})
        self._store.write(profile.name, device, state, revision)
