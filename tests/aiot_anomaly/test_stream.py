"""The stream: however readings arrive, it decides what the recording would, and every reading has one outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import stream, windows
from aiot_anomaly.derived import Change
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.messages import Reading, ReadingBatch
from aiot_anomaly.profile import Profile, Stream
from aiot_anomaly.windows import Windows, as_datetime
from tests.aiot_anomaly.kinds import assert_same, document, laid, measured, profile, small_profiles
from tests.aiot_anomaly.test_device_state import assert_equal_states
from tests.support.tiny_bundle import tiny_profile

FIRST = 29_453_760  # a slot on the minute grid, in 2026


def batch(of: Profile, slots, values) -> ReadingBatch:
    readings = [
        Reading(
            timestamp=as_datetime(slot * of.interval_s),
            values={n: None if np.isnan(v) else v for n, v in zip(of.sensor_names, row, strict=True)},
        )
        for slot, row in zip(slots, values, strict=True)
    ]
    return ReadingBatch(device_id="device", readings=readings)


@dataclass
class Taken:
    state: DeviceState
    decided: list[Windows]

    def ends(self) -> list[int]:
        return [int(e) for w in self.decided for e in w.ends]


def take(of: Profile, chunks, state: DeviceState | None = None) -> Taken:
    """Takes messages in, one after the other; between two the state goes through its stored form."""
    taken = Taken(state or DeviceState(), [])
    for i, (slots, values) in enumerate(chunks):
        accepted = stream.accept(of, DeviceState.decode(taken.state.encode()), batch(of, slots, values), f"m{i}")
        taken.state = accepted.state
        taken.decided.append(accepted.windows)
    return taken


@st.composite
def arrivals(draw: st.DrawFn):
    """A profile, readings by slot, and the messages in which they arrive: doubled, with gaps, out of order.

    A reading is never later than the allowed lateness, and the oldest comes in the first message.
    """
    of = draw(small_profiles())
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    slots = FIRST + np.flatnonzero(rng.random(60) < draw(st.sampled_from([0.5, 0.9, 1.0])))
    if draw(st.booleans()):
        slots = slots[(slots < FIRST + 25) | (slots >= FIRST + 25 + draw(st.integers(0, 20)))]
    values = measured(len(slots), seed)
    late = of.stream.allowed_lateness_s // of.interval_s
    disorder = rng.integers(0, max(late, 1), size=len(slots))
    order = np.argsort(slots + disorder, kind="stable")
    first = int(np.argmin(slots[order]))
    order = np.concatenate([[order[first]], np.delete(order, first)])
    doubles = rng.random(len(slots)) < draw(st.sampled_from([0.0, 0.2]))
    # a double comes right after the reading, with other values: the first given counts
    index = np.repeat(order, 1 + doubles[order])
    sent = values[index].copy()
    repeated = np.concatenate([[False], index[1:] == index[:-1]])
    sent[repeated] = 1.0
    cuts = np.flatnonzero(rng.random(len(index)) < draw(st.sampled_from([0.05, 0.3, 1.0])))
    cuts = cuts[cuts > 0]
    chunks = list(zip(np.split(slots[index], cuts), np.split(sent, cuts), strict=True))
    return of, slots, values, chunks


@given(arrivals())
def test_decided_windows_are_those_of_the_recording(case):
    of, slots, values, chunks = case
    taken = take(of, chunks)
    offline = windows.cut(of, laid(of, slots, values, until=taken.state.watermark))
    offline = offline.only(offline.complete)
    for name in ("ends", "values", "complete", "out_of_range"):
        found = np.concatenate([getattr(w, name) for w in taken.decided])
        np.testing.assert_array_equal(found, getattr(offline, name), err_msg=name)


@given(arrivals())
def test_outcomes_and_pending_readings_sum_to_the_readings(case):
    of, slots, _, chunks = case
    sent = 0
    state = DeviceState()
    for i, (at, values) in enumerate(chunks):
        state = stream.accept(of, state, batch(of, at, values), str(i)).state
        sent += len(at)
        assert sum(state.outcomes.values()) + state.pending == sent
    assert state.outcomes["late"] == 0
    assert state.outcomes["duplicate"] == sent - len(slots)


@given(arrivals(), st.data())
def test_a_redelivered_message_changes_nothing(case, data):
    of, _, _, chunks = case
    state = take(of, chunks).state
    again = data.draw(st.integers(max(0, len(chunks) - stream.REMEMBERED_MESSAGES), len(chunks) - 1), label="again")
    accepted = stream.accept(of, state, batch(of, *chunks[again]), f"m{again}")
    assert accepted.redelivered
    assert len(accepted.windows) == 0
    assert accepted.state is state


@given(arrivals(), st.lists(st.booleans(), max_size=5), st.none() | st.integers(0, 2**40), st.floats(0, 1e9))
def test_a_stored_state_is_the_state(case, recent, opened_at, peak):
    of, _, _, chunks = case
    state = take(of, chunks).state
    state = DeviceState(**{**vars(state), "tracker": IncidentTracker(tuple(recent), opened_at, peak, 2)})
    assert_equal_states(DeviceState.decode(state.encode()), state)


@given(arrivals())
def test_no_more_is_kept_than_history_and_what_is_pending(case):
    of, _, _, chunks = case
    state = take(of, chunks).state
    assert (state.slots > state.watermark - of.history).all()
    assert (np.diff(state.slots) > 0).all()


def test_each_reading_gets_the_outcome_that_fits_it():
    of = tiny_profile()  # span 8, gaps of 2, decided at even slots, nothing is waited for
    at = np.concatenate([np.arange(12), np.arange(20, 34)]) + FIRST
    state = take(of, [([s], [[50.0, 5.0]]) for s in at]).state
    # slots 0 … 6 end before the span is full, slots 20 … 26 follow a hole of 8
    assert state.outcomes == {"decided": 5 + 6, "warming_up": 7, "duplicate": 0, "late": 0, "gap": 7}
    assert state.pending == 1
    more = stream.accept(of, state, batch(of, [FIRST + 33, FIRST + 15], [[1.0, 1.0]] * 2), "again").state
    assert more.outcomes == {**state.outcomes, "duplicate": 1, "late": 1}
    assert more.pending == 1


def test_a_hole_is_waited_for_as_long_as_the_profile_allows():
    of = profile(derived=[], window={"steps": 2}, scoring={"last_steps": 1}, stream={"allowed_lateness_s": 180})
    one = [[50.0, 5.0]]
    state = take(of, [([FIRST], one), ([FIRST + 1], one), ([FIRST + 3], one), ([FIRST + 4], one)]).state
    assert state.watermark == FIRST + 1
    assert state.pending == 2
    filled = stream.accept(of, state, batch(of, [FIRST + 2], [[60.0, 6.0]]), "hole")
    assert filled.windows.ends.tolist() == [(FIRST + i) * 60 for i in (2, 3, 4)]
    given_up = stream.accept(of, state, batch(of, [FIRST + 5], one), "younger")
    assert given_up.state.watermark == FIRST + 5
    late = stream.accept(of, given_up.state, batch(of, [FIRST + 2], one), "late")
    assert late.state.outcomes["late"] == 1
    assert len(late.windows) == 0


def test_the_order_within_a_message_does_not_matter():
    of = tiny_profile()
    slots, values = FIRST + np.arange(30), measured(30, 1)
    order = np.random.default_rng(1).permutation(30)
    one, other = take(of, [(slots, values)]), take(of, [(slots[order], values[order])])
    assert_equal_states(one.state, other.state)
    assert_same(one.decided[0], other.decided[0])


@pytest.mark.parametrize("years", [1, 56])
def test_a_clock_that_was_wrong_at_first_takes_no_memory_for_the_years_between(years):
    of = profile(interval_s=1, derived=[])
    now = 1_767_225_600
    early = now - years * 365 * 86_400
    chunks = [(early + np.arange(10), measured(10, 1)), (now + np.arange(20), measured(20, 2, missing=0))]
    taken = take(of, chunks)
    assert taken.ends()[-1] == now + 18
    assert sum(taken.state.outcomes.values()) + taken.state.pending == 30


def test_only_the_last_message_ids_are_remembered():
    of, one = tiny_profile(), [[50.0, 5.0]]
    state = take(of, [([FIRST + i], one) for i in range(stream.REMEMBERED_MESSAGES + 1)]).state
    assert len(state.messages) == stream.REMEMBERED_MESSAGES
    forgotten = stream.accept(of, state, batch(of, [FIRST], one), "m0")
    assert not forgotten.redelivered
    assert forgotten.state.outcomes["late"] == 1
    assert stream.accept(of, state, batch(of, [FIRST + 1], one), "m1").redelivered


def test_a_device_whose_first_message_overtook_others_loses_none_of_them():
    of = tiny_profile().model_copy(update={"stream": Stream(allowed_lateness_s=300)})
    values = measured(40, 3, missing=0, wrong=0)
    order = [4, 2, 0, 1, 3, *range(5, 40)]
    taken = take(of, [([FIRST + i], values[[i]]) for i in order])
    assert taken.state.outcomes["late"] == 0
    assert taken.state.first_slot == FIRST
    offline = windows.cut(of, laid(of, FIRST + np.arange(40), values, until=taken.state.watermark))
    assert taken.ends() == offline.ends[offline.complete].tolist()
    # what is older than that is late
    older = stream.accept(of, take(of, [([FIRST + 9], values[[0]])]).state, batch(of, [FIRST], values[[0]]), "older")
    assert older.state.outcomes["late"] == 1


def test_a_gap_is_told_of_once_with_its_ends():
    of = tiny_profile()  # decided at even slots, gaps of 2 are filled
    at = np.concatenate([np.arange(12), np.arange(20, 40), np.arange(42, 50)]) + FIRST
    state, gaps = DeviceState(), []
    for s in at:
        accepted = stream.accept(of, state, batch(of, [s], [[50.0, 5.0]]), str(s))
        state, gaps = accepted.state, [*gaps, *accepted.gaps]
    assert gaps == [stream.Gap(FIRST + 11, FIRST + 20)]
    assert not state.broken


def test_when_a_sweep_looks_moves_only_twice_in_a_silence():
    of = tiny_profile()  # silent after 900 s
    state, moved = DeviceState(), []
    for i in range(0, 1801, 60):
        state = stream.accept(of, state, batch(of, [FIRST + i // 60], [[50.0, 5.0]]), str(i), 10_000 + i).state
        if not moved or state.due_at != moved[-1]:
            moved.append(state.due_at)
        assert state.seen_at + 450 <= state.due_at <= stream.due_at(of, state) == state.seen_at + 900
    assert moved == [10_900, 11_380, 11_860, 12_340]


def test_a_gap_longer_than_the_history_is_told_of_with_its_ends():
    of = tiny_profile()
    state, gaps = DeviceState(), []
    for s in np.concatenate([np.arange(20), np.arange(120, 140)]) + FIRST:
        accepted = stream.accept(of, state, batch(of, [s], [[50.0, 5.0]]), str(s))
        state, gaps = accepted.state, [*gaps, *accepted.gaps]
    assert gaps == [stream.Gap(FIRST + 19, FIRST + 120)]


def test_a_gap_that_a_derived_input_looks_back_on_is_told_of_once():
    # once the hole has left the window's own rows it is whole, until the change over 12 slots looks back on the hole
    change = {"kind": "change", "name": "flow_change", "sensor": "flow", "span": 12}
    of = tiny_profile().model_copy(update={"derived": (Change.model_validate(change),)})
    at = np.concatenate([np.arange(25), np.arange(30, 60)]) + FIRST
    state, gaps, ends = DeviceState(), [], []
    for s in at:
        accepted = stream.accept(of, state, batch(of, [s], [[50.0, 5.0]]), str(s))
        state, gaps = accepted.state, [*gaps, *accepted.gaps]
        ends += [end // 60 - FIRST for end in accepted.windows.ends.tolist()]
    assert gaps == [stream.Gap(FIRST + 24, FIRST + 30)]
    assert ends == [*range(16, 25, 2), *range(34, 40, 2), *range(46, 60, 2)]


def test_a_sensor_that_fails_is_a_gap_that_goes_on():
    of = tiny_profile()
    values = np.tile([50.0, 5.0], (30, 1))
    values[15:, 1] = np.nan
    values[20:, 1] = 1e6
    state, gaps = DeviceState(), []
    for i in range(30):
        accepted = stream.accept(of, state, batch(of, [FIRST + i], values[[i]]), str(i))
        state, gaps = accepted.state, [*gaps, *accepted.gaps]
    assert gaps == [stream.Gap(FIRST + 14, None)]
    assert state.broken


@given(arrivals())
def test_closing_gives_every_reading_its_outcome_and_decides_what_the_recording_would(case):
    of, slots, values, chunks = case
    taken = take(of, chunks)
    closed = stream.close(of, taken.state)
    assert closed.state.pending == 0
    assert sum(closed.state.outcomes.values()) == sum(len(at) for at, _ in chunks)
    assert closed.state.silent_at == taken.state.seen_at
    offline = windows.cut(of, laid(of, slots, values, until=closed.state.watermark))
    ends = taken.ends() + closed.windows.ends.tolist()
    assert ends == offline.ends[offline.complete].tolist()
    # and what comes for a closed window is late
    again = stream.accept(of, closed.state, batch(of, [closed.state.watermark], [[50.0, 5.0]]), "after")
    assert again.state.outcomes["late"] + again.state.outcomes["duplicate"] == 1 + taken.state.outcomes["duplicate"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, 900), ({"silent_after_s": 60}, 60), ({"silent_after_s": 60, "allowed_lateness_s": 120}, 120)],
)
def test_a_device_is_silent_no_sooner_than_a_reading_may_be_late(settings, expected):
    of = tiny_profile().model_copy(update={"stream": Stream(**settings)})
    assert stream.silent_after_s(of) == expected
    state = stream.accept(of, DeviceState(), batch(of, [FIRST], [[50.0, 5.0]]), "m", 1_000).state
    assert (state.seen_at, state.due_at) == (1_000, 1_000 + expected)
    older = stream.accept(of, state, batch(of, [FIRST + 1], [[50.0, 5.0]]), "n", 500).state
    assert older.seen_at == 1_000


def test_a_model_that_knows_other_sensors_begins_a_new_window_and_keeps_the_counts():
    of, one = tiny_profile(), [[50.0, 5.0]]
    state = take(of, [([FIRST + i], one) for i in range(14)]).state
    pending, before = state.pending, state.outcomes
    other = profile(sensors=document()["sensors"][:1])
    accepted = stream.accept(other, state, batch(other, [FIRST + 14], [[50.0]]), "new")
    assert accepted.state.slots.tolist() == [FIRST + 14]
    # and the window that the new reading decides is not full
    assert accepted.state.outcomes["gap"] == before["gap"] + pending + 1
    assert sum(accepted.state.outcomes.values()) + accepted.state.pending == 15
