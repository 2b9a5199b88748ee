"""Watches a device: what is to be decided is decided, told and learned from, and then the state is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from aiot_anomaly import stream
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import Notice
from aiot_anomaly.profile import Profile
from aiot_anomaly.stream import Accepted
from functions import incidents, notices
from functions.api_client import ApiClient
from functions.calibrations import Calibrations
from functions.decisions import Decided, decide, outgoing
from functions.envelope import PushMessage
from functions.errors import ApiRefusedError
from functions.learner import Learner
from functions.publisher import Publisher
from functions.store import Revision, WindowStore


class Watch:
    """Safe for use from several threads.

    Decisions are published, and confirmed, before the state is written: what crashes in between is done again, finds
    the old state and publishes decisions of the same ids. Incidents are logged in between for the same reason: one that
    is logged twice has one id, and none is lost.
    """

    def __init__(self, store: WindowStore, api: ApiClient, publisher: Publisher, decisions_topic: str) -> None:
        self._store = store
        self._api = api
        self._publisher = publisher
        self._topic = decisions_topic
        self._calibrations = Calibrations(store)
        self._learner = Learner(store, api, self._calibrations)

    def conclude(
        self, profile: Profile, device: str, accepted: Accepted, revision: Revision, source: PushMessage
    ) -> None:
        """Decides what a message completed, tells of it, and writes the state.

        Raises:
            TransientError: the same can be done again later.
        """
        now = datetime.now(UTC)
        told = [notices.gap(profile, device, g, now) for g in accepted.gaps]
        if accepted.silent_at is not None:
            told.insert(0, notices.sending(profile, device, accepted.silent_at, now))
        self._conclude(profile, device, accepted, revision, source, told, [])

    def fall_silent(
        self, profile: Profile, device: str, state: DeviceState, revision: Revision, source: PushMessage
    ) -> None:
        """Closes the last windows of a device that a sweep found silent (`closing`), and tells of it.

        All follows from the state, so that the sweep and a message that comes in between say the same.
        """
        now = datetime.now(UTC)
        accepted = stream.close(profile, state)
        told = [notices.gap(profile, device, g, now) for g in accepted.gaps]
        silent = [notices.silent(profile, device, state.seen_at, now)]
        self._conclude(profile, device, accepted, revision, source, told, silent)

    def _conclude(
        self,
        profile: Profile,
        device: str,
        accepted: Accepted,
        revision: Revision,
        source: PushMessage,
        before: list[Notice],
        after: list[Notice],
    ) -> None:
        decided = self._decide(profile, device, accepted)
        messages = [outgoing(m, source) for group in (before, decided.decisions, after) for m in group]
        if messages:
            self._publisher.publish(self._topic, messages)
            delivery = {"message_id": source.id, "attempt": source.attempt}
            incidents.report([*before, *decided.told, *after], delivery)
        state = self._learner.learn(profile, device, accepted, decided.state)
        self._store.write(profile.name, device, state, revision)

    def _decide(self, profile: Profile, device: str, accepted: Accepted) -> Decided:
        state = accepted.state
        if not len(accepted.windows):
            return Decided([], [], state)
        own = self._calibrations.find(profile.name, device, state.learning.calibration)
        if own is None and state.learning.calibration:
            # the store was brought back to an older time: the device is as good as new
            state = replace(state, learning=state.learning.again())
        try:
            answers = self._api.predict(profile.name, device, accepted.windows, own)
        except ApiRefusedError as e:
            if own is None or e.details.get("answered") != "invalid_calibration":
                raise
            # it was made for a model with other inputs; after this decision one is made for the new model
            answers = self._api.predict(profile.name, device, accepted.windows)
        return decide(profile, state, accepted.windows, answers, datetime.now(UTC))
