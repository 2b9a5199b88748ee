"""What happens with one message: state, windows, predictions, decisions, state."""

from __future__ import annotations

import time

from aiot_anomaly import stream
from aiot_anomaly.errors import MessageError
from aiot_anomaly.messages import SCHEMA_VERSION, ReadingBatch, check_against, parse_readings
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import as_datetime
from functions.api_client import ApiClient
from functions.backoff import pause_s
from functions.envelope import PushMessage
from functions.errors import ConflictError
from functions.store import WindowStore
from functions.watch import Watch

#: of one message, where others write the same device's state
ATTEMPTS = 5


class Pipeline:
    """Takes messages in, one at a time and as often as they come. Safe for use from several threads."""

    def __init__(self, store: WindowStore, api: ApiClient, watch: Watch) -> None:
        self._store = store
        self._api = api
        self._watch = watch

    def take(self, message: PushMessage) -> None:
        """Takes one message in.

        Raises:
            MessageError: it is none that can be decided on.
            TransientError: it can be taken in later.
        """
        profile = self._profile(message)
        batch = parse_readings(message.data)
        # held against the time of publishing, which is the same at each delivery: an outage of ours mends no clock
        check_against(batch, profile, as_datetime(message.published_at))
        for attempt in range(ATTEMPTS):
            try:
                while not self._advance(profile, batch, message):
                    pass
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

    def _advance(self, profile: Profile, batch: ReadingBatch, message: PushMessage) -> bool:
        """False where something else had to be done first."""
        device = batch.device_id
        before, revision = self._store.read(profile.name, device)
        if before.closing is not None:
            self._watch.fall_silent(profile, device, before, revision, message)
            return False
        accepted = stream.accept(profile, before, batch, message.id, message.published_at)
        if not accepted.redelivered:
            self._watch.conclude(profile, device, accepted, revision, message)
        return True
