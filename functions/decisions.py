"""From the API's predictions to the decisions that leave: each gets its id and its incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.incidents import explaining
from aiot_anomaly.messages import Decision, Notice, decision_id
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import Windows
from functions.api_client import Answered
from functions.envelope import PushMessage
from functions.publisher import Outgoing

#: attributes of a reading message that its decisions carry on
PASSED_ON = ("sent_at",)


@dataclass(frozen=True)
class Decided:
    """What became of windows.

    Attributes:
        decisions: in order of time.
        told: those of them by which an incident is opened or closed, or by which the day's budget comes to allow one.
        state: after them.
    """

    decisions: list[Decision]
    told: list[Decision]
    state: DeviceState


def decide(
    profile: Profile, state: DeviceState, windows: Windows, answers: Sequence[Answered], now: datetime
) -> Decided:
    """The decisions on windows of one device, in order of time.

    Args:
        profile: the kind of device.
        state: before the first of them.
        windows: W complete ones.
        answers: W, of the same windows.
        now: when they are decided.
    """
    decisions, told, noisy = list[Decision](), list[Decision](), list[int]()
    tracker, version = state.tracker, state.model_version
    names, source = profile.sensor_names, state.learning.source
    for i, answer in enumerate(answers):
        prediction, version = answer.prediction, answer.version
        end, source = int(windows.ends[i]), prediction.calibration
        maintenance, suppressed = state.in_maintenance(end), tracker.suppressed
        tracker, incident = tracker.advance(
            profile.incidents,
            profile.name,
            prediction.device_id,
            end,
            prediction.is_anomaly,
            prediction.score,
            sensors=explaining(prediction),
            may_open=not maintenance,
            most_a_day=profile.incidents.most_per_day,
        )
        # the API sees windows, in which a value out of range is already replaced: only the stream knows
        out = [names[s] for s in np.flatnonzero(windows.out_of_range[i])]
        fields = dict(prediction)
        if out:
            fields["out_of_range"] = out
            if not prediction.is_anomaly:
                fields["reason"] = "out_of_range"
        if windows.filled is not None:
            fields["filled"] = dict(zip(names, windows.filled[i].tolist(), strict=True))
        # all of it was validated when it came
        decision = Decision.model_construct(
            **fields,
            id=decision_id(profile.name, prediction.device_id, prediction.window_end),
            profile=profile.name,
            model_version=version,
            values=dict(zip(names, windows.values[i, -1].tolist(), strict=False)),
            incident=incident,
            calibration_id=state.learning.calibration if source == "device" else None,
            maintenance=maintenance,
            decided_at=now,
        )
        decisions.append(decision)
        if incident is not None and (incident.state != "ongoing" or suppressed != incident.suppressed):
            told.append(decision)
        if prediction.is_anomaly or incident is not None or maintenance or out:
            noisy.append(end // profile.interval_s)
    learning = state.learning
    if decisions:
        learning = learning.observed(np.array(noisy if learning.active else [], dtype=np.int64), source)
    return Decided(decisions, told, replace(state, tracker=tracker, model_version=version, learning=learning))


def outgoing(message: Decision | Notice, source: PushMessage) -> Outgoing:
    """The decision or notice as a message; `source` is what led to it."""
    attributes = {
        "profile": message.profile,
        "device_id": message.device_id,
        "decision_id": message.id,
        "message_id": source.id,
    }
    if isinstance(message, Decision):
        attributes["is_anomaly"] = str(message.is_anomaly).lower()
    else:
        attributes["notice"] = message.reason
    if message.incident is not None:
        attributes["incident_state"] = message.incident.state
    attributes |= {name: source.attributes[name] for name in PASSED_ON if name in source.attributes}
    return Outgoing(message.model_dump_json().encode(), attributes, ordering_key=message.device_id)
