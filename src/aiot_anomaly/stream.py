"""One device's place in the stream: what came, what was decided, what is still waited for.

Pure: a message goes in, the next state and the windows to decide come out. Whoever calls this keeps the
state, asks the model and publishes (`functions/`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import Outcome, ReadingBatch
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows

#: message ids remembered for each device, so that a redelivered message changes no count
REMEMBERED_MESSAGES = 200
#: a device is not silent before this, however short its interval is
_SHORTEST_SILENCE_S = 900


@dataclass(frozen=True)
class Gap:
    """Values that did not come, for longer than the profile allows.

    Attributes:
        since: slot of the last reading before it.
        until: slot of the first one after it, None where it still goes on.
    """

    since: int
    until: int | None


@dataclass(frozen=True)
class Accepted:
    """What a message leads to, or that no further one came.

    Attributes:
        state: the next state; its tracker and model version are still the old ones.
        windows: the complete windows that are now to be decided, in order of time.
        redelivered: the message was taken in before, and nothing changed.
        gaps: that broke the window, in order of time; each is told of once.
        silent_at: `seen_at` of the last message before the device fell silent, if this one ends that.
        slots: (n,) of the readings that have their outcome and are in reach, ascending.
        values: (n, S) theirs.
    """

    state: DeviceState
    windows: Windows
    redelivered: bool = False
    gaps: tuple[Gap, ...] = ()
    silent_at: int | None = None
    slots: Int = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: Float = field(default_factory=lambda: np.empty((0, 0)))


def accept(
    profile: Profile, state: DeviceState, batch: ReadingBatch, message_id: str, published_at: int = 0
) -> Accepted:
    """Takes one message in.

    Each reading gets exactly one outcome, now or once its window closes: `duplicate` when its time is known,
    `late` when its window was closed without it, `decided` with its window, `warming_up` while the device has
    not reported for long enough, `gap` when a hole longer than the profile allows lies in its window.

    A window closes when every point of the grid up to it has come, or has been waited for as long as
    `profile.stream.allowed_lateness_s`. A device's stream begins so much before its first message, too: that one may
    have overtaken others.

    Args:
        profile: the kind of device.
        state: before the message.
        batch: the readings.
        message_id: the same at each delivery.
        published_at: when the message was published, seconds since 1970; the same at each delivery.
    """
    if message_id in state.messages:
        return Accepted(state, windows.joined(profile, []), redelivered=True)
    outcomes = dict(state.outcomes)
    merged = _merge(profile, state, batch, outcomes)
    seen_at = max(state.seen_at, published_at)
    merged = replace(
        merged,
        outcomes=outcomes,
        messages=(*state.messages, message_id)[-REMEMBERED_MESSAGES:],
        seen_at=seen_at,
        due_at=_next_due_at(profile, replace(merged, seen_at=seen_at)),
        silent_at=None,
    )
    return replace(_advance(profile, merged, _closed(profile, merged)), silent_at=state.silent_at)


def close(profile: Profile, state: DeviceState) -> Accepted:
    """Closes the windows of all readings that came, of a device that fell silent: no further one is waited for."""
    silent = replace(state, closing=None, due_at=None, silent_at=state.seen_at)
    if not state.pending:
        return Accepted(silent, windows.joined(profile, []))
    return _advance(profile, silent, int(windows.deciding_slot(profile, state.slots[-1:])[0]))


def silent_after_s(profile: Profile) -> int:
    """After how many seconds without a message a device of this kind is silent."""
    given = profile.stream.silent_after_s
    usual = max(10 * profile.interval_s, _SHORTEST_SILENCE_S)
    return max(usual if given is None else given, profile.stream.allowed_lateness_s)


def due_at(profile: Profile, state: DeviceState, *, heard_since: int = 0) -> int:
    """When a device that sends no further message is silent, seconds since 1970.

    Args:
        profile: the kind of device.
        state: of the device.
        heard_since: since when messages are known to come through: before, no silence counts.
    """
    after = silent_after_s(profile)
    due = max(state.seen_at, heard_since) + after
    # who works on a device may switch it off; when the work is over, it has as long as ever
    if state.maintenance is not None and state.in_maintenance(due):
        due = state.maintenance[1] + after
    return due


def _next_due_at(profile: Profile, state: DeviceState) -> int:
    """When a sweep is to look after a device that just sent.

    Stores find devices by it, and an index that moves with every message costs as much as the state itself. So it stays
    where it is while at least half the silence is ahead; a sweep that comes early looks, and comes again.
    """
    due, known = due_at(profile, state), state.due_at
    if known is not None and 0 <= due - known <= silent_after_s(profile) // 2:
        return known
    return due


def _advance(profile: Profile, merged: DeviceState, closed: int) -> Accepted:
    """Gives all readings up to the evaluated slot `closed` their outcome."""
    assert merged.watermark is not None
    if closed <= merged.watermark:
        return Accepted(merged, windows.joined(profile, []))
    # in blocks, because a device whose clock starts at 1970 may be decades from its next reading
    blocks = windows.blocks(profile, merged.slots, merged.values, after=merged.watermark, until=closed)
    complete = windows.joined(profile, [b.only(b.complete) for b in blocks])
    outcomes = dict(merged.outcomes)
    _count(profile, merged, closed, complete, outcomes)
    gaps, broken = _gaps(profile, merged, closed, complete)
    done = merged.slots <= closed
    keep = merged.slots > closed - profile.history
    trimmed = replace(
        merged,
        slots=merged.slots[keep],
        values=merged.values[keep],
        watermark=closed,
        outcomes=outcomes,
        broken=broken,
    )
    return Accepted(trimmed, complete, gaps=gaps, slots=merged.slots[done], values=merged.values[done])


def _lateness(profile: Profile) -> int:
    """How late a reading may come, in slots."""
    return profile.stream.allowed_lateness_s // profile.interval_s


def _merge(profile: Profile, state: DeviceState, batch: ReadingBatch, outcomes: dict[Outcome, int]) -> DeviceState:
    readings = sorted(batch.readings, key=lambda r: r.timestamp)
    slots = grid.slots(profile, np.array([r.timestamp.timestamp() for r in readings]))
    if len(state.slots) and state.values.shape[1] != len(profile.sensors):
        # a new model knows other sensors: what is kept is of no use to it, and the window fills anew
        outcomes["gap"] += state.pending
        state = replace(state, slots=state.slots[:0], values=np.empty((0, len(profile.sensors))))
    watermark = state.watermark
    if watermark is None:
        watermark = windows.last_evaluated(profile, int(slots[0]) - _lateness(profile) - 1)
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
    learning = state.learning
    if learning.active and learning.collected is None:
        learning = replace(learning, since=watermark, collected=watermark)
    first = min([*new, *([] if state.first_slot is None else [state.first_slot])], default=None)
    return replace(
        state, slots=merged[order], values=rows[order], first_slot=first, watermark=watermark, learning=learning
    )


def _closed(profile: Profile, state: DeviceState) -> int:
    """The last evaluated slot up to which nothing is waited for."""
    assert state.watermark is not None
    pending = state.slots[state.slots > state.watermark]
    if not len(pending):
        return state.watermark
    # holes older than this are not waited for
    given_up = int(pending[-1]) - _lateness(profile)
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


def _gaps(profile: Profile, state: DeviceState, closed: int, decided: Windows) -> tuple[tuple[Gap, ...], bool]:
    """The gaps that broke windows after the watermark, and whether the last window is still broken."""
    assert state.watermark is not None
    assert state.first_slot is not None
    rows = state.slots[state.slots <= closed]
    ends = np.unique(windows.deciding_slot(profile, rows[rows > state.watermark]))
    whole = np.isin(ends, decided.ends // profile.interval_s)
    found, broken, last, old_enough = list[Gap](), state.broken, state.watermark, state.first_slot + profile.span - 1
    for end, complete in zip(ends.tolist(), whole.tolist(), strict=True):
        if complete:
            broken = False
        elif not broken and end >= old_enough:
            broken = True
            # the window before was whole, unless the device was too young for one
            gap = _longest(profile, state, end, whole_until=last if last >= old_enough else None)
            found += [gap] if gap is not None else []
        last = end
    return tuple(found), broken


def _longest(profile: Profile, state: DeviceState, end: int, whole_until: int | None) -> Gap | None:
    """The longest hole in the window that ends at slot `end`, between readings with a valid value of each sensor.

    Where the window that ended at `whole_until` was whole, a hole before it broke this one only if a derived input
    looks back on it: then it was told of when it first broke a window, and None is given.
    """
    low, high = np.array([s.valid_range for s in profile.sensors]).T
    with np.errstate(invalid="ignore"):
        valid = ((state.values >= low) & (state.values <= high)).all(axis=1)
    come = state.slots <= end
    whole = state.slots[come & valid]
    # with the last one before what the window is made of, where a longer hole began
    before = np.searchsorted(whole, end - profile.history - profile.window.stride, side="right") - 1
    edges = np.concatenate([whole[max(0, before) :] if len(whole) else state.slots[come][:1], [end + 1]])
    lengths = np.diff(edges)
    if whole_until is not None:
        lengths[(edges[1:] <= whole_until) | (lengths <= profile.imputation.longest_gap + 1)] = 0
    widest = int(np.argmax(lengths))
    if not lengths[widest]:
        return None
    return Gap(int(edges[widest]), int(edges[widest + 1]) if widest + 2 < len(edges) else None)
