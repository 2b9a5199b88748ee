"""One device's place in the stream: what came, what was decided, what is still waited for.

Pure: a message goes in, the next state and the windows to decide come out. Whoever calls this keeps the
state, asks the model and publishes (`functions/`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.messages import OUTCOMES, Outcome, ReadingBatch
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows

#: message ids remembered for each device, so that a redelivered message changes no count
REMEMBERED_MESSAGES = 200


def _no_outcomes() -> dict[Outcome, int]:
    return dict.fromkeys(OUTCOMES, 0)


@dataclass(frozen=True)
class DeviceState:
    """What the stream keeps of one device. Immutable: `accept` gives the next.

    Attributes:
        slots: (h,) grid slots of the readings kept, ascending.
        values: (h, S) their values, as they came; NaN where missing.
        first_slot: of the device's first reading ever, None before it.
        watermark: every reading up to this slot has its outcome.
        outcomes: how many readings had each outcome.
        messages: ids of the last messages that were taken in.
        tracker: where its incident stands.
        model_version: of the last decision.
    """

    slots: Int = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: Float = field(default_factory=lambda: np.empty((0, 0)))
    first_slot: int | None = None
    watermark: int | None = None
    outcomes: Mapping[Outcome, int] = field(default_factory=_no_outcomes)
    messages: tuple[str, ...] = ()
    tracker: IncidentTracker = field(default_factory=IncidentTracker)
    model_version: str = ""

    @property
    def pending(self) -> int:
        """Readings that have no outcome yet."""
        return int(np.count_nonzero(self.slots > self.watermark)) if self.watermark is not None else 0

    def encode(self) -> bytes:
        """JSON with the arrays in base64."""
        return json.dumps(
            {
                "slots": base64.b64encode(self.slots.astype("<i8").tobytes()).decode(),
                "values": base64.b64encode(self.values.astype("<f8").tobytes()).decode(),
                "sensors": self.values.shape[1],
                "first_slot": self.first_slot,
                "watermark": self.watermark,
                "outcomes": dict(self.outcomes),
                "messages": self.messages,
                "tracker": [list(self.tracker.recent), self.tracker.opened_at, self.tracker.peak, self.tracker.quiet],
                "model_version": self.model_version,
            }
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> DeviceState:
        """The state that `encode` wrote."""
        d = json.loads(data)
        slots = np.frombuffer(base64.b64decode(d["slots"]), dtype="<i8")
        recent, opened_at, peak, quiet = d["tracker"]
        return cls(
            slots=slots,
            values=np.frombuffer(base64.b64decode(d["values"]), dtype="<f8").reshape(len(slots), d["sensors"]),
            first_slot=d["first_slot"],
            watermark=d["watermark"],
            outcomes=d["outcomes"],
            messages=tuple(d["messages"]),
            tracker=IncidentTracker(tuple(recent), opened_at, peak, quiet),
            model_version=d["model_version"],
        )


@dataclass(frozen=True)
class Accepted:
    """What a message leads to.

    Attributes:
        state: the next state; its tracker and model version are still the old ones.
        windows: the complete windows that are now to be decided, in order of time.
        redelivered: the message was taken in before, and nothing changed.
    """

    state: DeviceState
    windows: Windows
    redelivered: bool = False


def accept(profile: Profile, state: DeviceState, batch: ReadingBatch, message_id: str) -> Accepted:
    """Takes one message in.

    Each reading gets exactly one outcome, now or once its window closes: `duplicate` when its time is known,
    `late` when its window was closed without it, `decided` with its window, `warming_up` while the device has
    not reported for long enough, `gap` when a hole longer than the profile allows lies in its window.

    A window closes when every point of the grid up to it has come, or has been waited for as long as
    `profile.stream.allowed_lateness_s`.
    """
    if message_id in state.messages:
        return Accepted(state, windows.joined(profile, []), redelivered=True)
    outcomes = dict(state.outcomes)
    merged = _merge(profile, state, batch, outcomes)
    merged = replace(merged, outcomes=outcomes, messages=(*state.messages, message_id)[-REMEMBERED_MESSAGES:])
    assert merged.watermark is not None
    closed = _closed(profile, merged)
    if closed <= merged.watermark:
        return Accepted(merged, windows.joined(profile, []))
    # in blocks, because a device whose clock starts at 1970 may be decades from its next reading
    blocks = windows.blocks(profile, merged.slots, merged.values, after=merged.watermark, until=closed)
    complete = windows.joined(profile, [b.only(b.complete) for b in blocks])
    _count(profile, merged, closed, complete, outcomes)
    keep = merged.slots > closed - profile.history
    trimmed = replace(merged, slots=merged.slots[keep], values=merged.values[keep], watermark=closed, outcomes=outcomes)
    return Accepted(trimmed, complete)


def _merge(profile: Profile, state: DeviceState, batch: ReadingBatch, outcomes: dict[Outcome, int]) -> DeviceState:
    readings = sorted(batch.readings, key=lambda r: r.timestamp)
    slots = grid.slots(profile, np.array([r.timestamp.timestamp() for r in readings]))
    first = int(slots[0]) if state.first_slot is None else state.first_slot
    watermark = windows.last_evaluated(profile, first - 1) if state.watermark is None else state.watermark
    known = set(state.slots.tolist())
    new: dict[int, list[float]] = {}
    for slot, reading in zip(slots.tolist(), readings, strict=True):
        if slot in known or slot in new:
            outcomes["duplicate"] += 1
        elif slot <= watermark:
            outcomes["late"] += 1
        else:
            values = (reading.values.get(name) for name in profile.sensor_names)
            new[slot] = [np.nan if v is None else v for v in values]
    merged = np.concatenate([state.slots, np.array(list(new), dtype=np.int64)])
    old = state.values.reshape(len(state.slots), len(profile.sensors))
    rows = np.vstack([old, np.array(list(new.values()))]) if new else old
    order = np.argsort(merged, kind="stable")
    return replace(state, slots=merged[order], values=rows[order], first_slot=first, watermark=watermark)


def _closed(profile: Profile, state: DeviceState) -> int:
    """The last evaluated slot up to which nothing is waited for."""
    assert state.watermark is not None
    pending = state.slots[state.slots > state.watermark]
    if not len(pending):
        return state.watermark
    # holes older than this are not waited for
    given_up = int(pending[-1]) - profile.stream.allowed_lateness_s // profile.interval_s
    start = max(state.watermark, given_up)
    consecutive = pending[pending > start]
    whole = start + int(np.argmin(np.append(consecutive == start + 1 + np.arange(len(consecutive)), False)))
    return windows.last_evaluated(profile, whole)


def _count(profile: Profile, state: DeviceState, closed: int, decided: Windows, outcomes: dict[Outcome, int]) -> None:
    assert state.watermark is not None
    assert state.first_slot is not None
    rows = state.slots[(state.slots > state.watermark) & (state.slots <= closed)]
    ends = windows.deciding_slot(profile, rows)
    complete = np.isin(ends, decided.ends // profile.interval_s)
    young = ends - state.first_slot + 1 < profile.span
    outcomes["decided"] += int(np.count_nonzero(complete))
    outcomes["warming_up"] += int(np.count_nonzero(~complete & young))
    outcomes["gap"] += int(np.count_nonzero(~complete & ~young))
