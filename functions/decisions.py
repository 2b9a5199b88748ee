"""From the API's predictions to the decisions that leave: each gets its id and its incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import Decision, decision_id
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import Windows
from functions.api_client import Answered
from functions.envelope import PushMessage
from functions.publisher import Outgoing

#: attributes of a reading message that its decisions carry on
PASSED_ON = ("sent_at",)


def decide(
    profile: Profile, state: DeviceState, windows: Windows, answers: Sequence[Answered], now: datetime
) -> tuple[list[Decision], DeviceState]:
    """The decisions on windows of one device, in order of time, and the state after them.

    Args:
        profile: the kind of device.
        state: before the first of them.
        windows: W complete ones.
        answers: W, of the same windows.
        now: when they are decided.
    """
    decisions = []
    tracker, version = state.tracker, state.model_version
    names = profile.sensor_names
    for i, answer in enumerate(answers):
        prediction, version = answer.prediction, answer.version
        tracker, incident = tracker.advance(
            profile.incidents, prediction.device_id, int(windows.ends[i]), prediction.is_anomaly, prediction.score
        )
        # the API sees windows, in which a value out of range is already replaced: only the stream knows
        out = [names[s] for s in np.flatnonzero(windows.out_of_range[i])]
        fields = prediction.model_dump()
        if out:
            fields["out_of_range"] = out
            if not prediction.is_anomaly:
                fields["reason"] = "out_of_range"
        decisions.append(
            Decision(
                **fields,
                id=decision_id(profile.name, prediction.device_id, prediction.window_end),
                profile=profile.name,
                model_version=version,
                values=dict(zip(names, windows.values[i, -1].tolist(), strict=False)),
                incident=incident,
                decided_at=now,
            )
        )
    return decisions, replace(state, tracker=tracker, model_version=version)


def outgoing(decision: Decision, source: PushMessage) -> Outgoing:
    """The decision as a message; `source` is what led to it."""
    attributes = {
        "profile": decision.profile,
        "device_id": decision.device_id,
        "decision_id": decision.id,
        "is_anomaly": str(decision.is_anomaly).lower(),
        "message_id": source.id,
    }
    if decision.incident is not None:
        attributes["incident_state"] = decision.incident.state
    attributes |= {name: source.attributes[name] for name in PASSED_ON if name in source.attributes}
    return Outgoing(decision.model_dump_json().encode(), attributes, ordering_key=decision.device_id)
