"""A device that nobody calibrated learns what is normal for it, and learns it again for another model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from aiot_anomaly import learning
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.learning import Learning, QuietRows
from aiot_anomaly.messages import Decision
from aiot_anomaly.profile import Stream
from functions import administration
from functions.store import Revision
from tests.aiot_anomaly.kinds import document, profile
from tests.functions.contract_api import ContractApi
from tests.functions.rig import Rig
from tests.support.tiny_bundle import START, tiny_profile

CALM, HIGHER, LOUD = (50.0, 5.0), (55.0, 5.0), (90.0, 5.0)
BOTH = pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)
NEEDED = learning.needed(tiny_profile())


def times(first: int, n: int) -> list[int]:
    return [START + 60 * i for i in range(first, first + n)]


def stream(rig: Rig, first: int, n: int, values: tuple[float, float], each: int = 5) -> Iterator[Decision]:
    """The decisions on n readings from number `first` on, sent by `each`."""
    for at in range(first, first + n, each):
        assert rig.send("d-1", times(at, min(each, first + n - at)), values) == 204
        yield from rig.decisions()


def test_the_profile_says_how_much_is_needed() -> None:
    assert NEEDED == 8 + 125 * 2
    for learning_s, needed in ((86_400, 8 + 1_440), (1, 8 + 100 * 2), (10**8, learning.MOST_ROWS)):
        of = tiny_profile().model_copy(update={"stream": Stream(learning_s=learning_s)})
        assert learning.needed(of) == needed
    # or it could never be kept
    wide = [document()["sensors"][0] | {"name": f"s_{i}"} for i in range(60)]
    fast = profile(sensors=wide, derived=[], interval_s=1)
    assert learning.needed(fast) == learning.most_rows(60) < 3_600


@BOTH
def test_a_new_device_gets_a_calibration_of_its_own_after_the_profiles_time(rig: Rig, contract: ContractApi) -> None:
    decisions = list(stream(rig, 1, NEEDED + 40, CALM, each=20))
    sources = [d.calibration for d in decisions]
    first = sources.index("device")
    assert sources == ["fleet"] * first + ["device"] * (len(sources) - first)
    assert {d.score for d in decisions[:first]} == {50 / 60}
    assert {round(d.score, 9) for d in decisions[first:]} == {round(1 / 1.2, 9)}
    # made once, from all quiet readings, no later than a message after there are enough
    ((device, readings),) = contract.calibrated
    assert device == "d-1"
    assert NEEDED <= len(readings) < NEEDED + 20
    assert {d.calibration_id for d in decisions[first:]} == {rig.store.read("tiny", "d-1")[0].learning.calibration}
    assert {d.calibration_id for d in decisions[:first]} == {None}


def test_what_is_not_quiet_is_not_learned_from(rig: Rig, contract: ContractApi) -> None:
    list(stream(rig, 1, 100, CALM, each=20))
    # anomalous, and an incident until it has been quiet
    list(stream(rig, 101, 30, LOUD, each=10))
    list(stream(rig, 131, NEEDED + 40, CALM, each=20))
    ((_, readings),) = contract.calibrated
    flows = {r["values"]["flow"] for r in readings}
    assert flows == {50.0}
    kept = {r["timestamp"] for r in readings}
    assert not kept & {f"2026-01-01T0{(101 + i) // 60}:{(101 + i) % 60:02d}:00+00:00" for i in range(30)}


def test_a_device_that_cannot_be_calibrated_yet_is_asked_for_again_chunk_by_chunk(
    rig: Rig, contract: ContractApi
) -> None:
    contract.fewest = NEEDED + 30
    decisions = list(stream(rig, 1, NEEDED + 60, CALM, each=2))
    # a chunk is the history of a window, ten readings
    assert 3 <= len(contract.calibrated) <= 6
    assert decisions[-1].calibration == "device"


@BOTH
def test_after_a_roll_out_its_calibration_is_made_anew_from_the_quiet_rows_kept(
    rig: Rig, contract: ContractApi
) -> None:
    list(stream(rig, 1, NEEDED + 20, CALM, each=20))
    first = rig.store.read("tiny", "d-1")[0].learning
    contract.version = "v2"
    a, b = list(stream(rig, NEEDED + 21, 4, HIGHER, each=2))
    assert (a.model_version, a.calibration, b.calibration) == ("v2", "fleet", "device")
    assert [len(rows) for _, rows in contract.calibrated] == [first.rows, first.rows]
    second = rig.store.read("tiny", "d-1")[0].learning
    assert (second.version, second.rows) == ("v2", first.rows)
    assert second.calibration != first.calibration
    # back again: the one of the model before is still there
    contract.version = "v1"
    list(stream(rig, NEEDED + 25, 4, HIGHER, each=2))
    assert rig.store.read("tiny", "d-1")[0].learning.calibration == first.calibration
    assert len(contract.calibrated) == 2


def test_where_the_new_model_can_make_none_it_is_asked_once(rig: Rig, contract: ContractApi) -> None:
    list(stream(rig, 1, NEEDED + 20, CALM, each=20))
    contract.version, contract.fewest = "v2", 10_000
    sources = [d.calibration for d in stream(rig, NEEDED + 21, 20, CALM)]
    assert set(sources) == {"fleet"}
    assert len(contract.calibrated) == 2


def test_recalibrating_learns_from_the_next_readings_alone(rig: Rig, contract: ContractApi) -> None:
    list(stream(rig, 1, NEEDED + 20, CALM, each=20))
    administration.recalibrate(rig.store, "tiny", "d-1", trusted=False)
    found = [d.calibration for d in stream(rig, NEEDED + 21, NEEDED + 40, HIGHER, each=20)]
    assert (found[0], found[-1]) == ("fleet", "device")
    assert {r["values"]["flow"] for r in contract.calibrated[1][1]} == {55.0}


def test_a_device_that_the_fleets_calibration_never_fits_learns_when_somebody_vouches_for_it(
    rig: Rig, contract: ContractApi
) -> None:
    list(stream(rig, 1, NEEDED + 40, LOUD, each=20))
    assert contract.calibrated == []
    administration.recalibrate(rig.store, "tiny", "d-1", trusted=True)
    *_, last = stream(rig, NEEDED + 41, NEEDED + 40, LOUD, each=20)
    assert (last.calibration, last.is_anomaly) == ("device", False)


def test_a_device_that_the_bundle_knows_learns_only_if_somebody_asks(rig: Rig, contract: ContractApi) -> None:
    contract.known = {"d-1"}
    list(stream(rig, 1, NEEDED + 40, CALM, each=20))
    assert contract.calibrated == []
    assert rig.store.read_aside("quiet", "tiny", "d-1") == (None, None)
    administration.recalibrate(rig.store, "tiny", "d-1", trusted=False)
    *_, last = stream(rig, NEEDED + 41, NEEDED + 40, CALM, each=20)
    assert last.calibration == "device"


@BOTH
@pytest.mark.parametrize("kind", ["quiet", "calibrations", "state"])
def test_a_crash_at_each_write_leads_to_the_same_decisions(rig: Rig, contract: ContractApi, kind: str) -> None:
    class Crash(BaseException):
        """The end of the process."""

    class Crashing:
        """The real store, up to the moment of a write: after it, or for the state before it."""

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
            if kind == "state" and state.learning.calibration:
                raise Crash
            rig.store.write(profile, device, state, revision)

        def write_aside(self, of, *args) -> None:  # type: ignore[no-untyped-def]
            rig.store.write_aside(of, *args)
            if of == kind and rig.store.read("tiny", "d-1")[0].learning.rows + 60 >= NEEDED:
                raise Crash

    crashes, found = 0, dict[str, Decision]()
    for at in range(1, NEEDED + 60, 20):
        try:
            rig.send("d-1", times(at, 20), CALM, message_id=f"m-{at}", handler=rig.handler(Crashing()))  # type: ignore[arg-type]
        except Crash:
            crashes += 1
            assert rig.send("d-1", times(at, 20), CALM, message_id=f"m-{at}") == 204
        for decision in rig.decisions():
            unstamped = decision.model_copy(update={"decided_at": None})
            assert found.setdefault(decision.id, unstamped) == unstamped
    assert crashes >= 1
    rig.store.write("tiny", "other", DeviceState(), None)
    expected = [d.calibration for d in found.values()]
    assert expected == sorted(expected, reverse=True)  # fleet, then device, and never back
    assert len({str(rows) for _, rows in contract.calibrated}) == 1


def test_what_the_store_lost_is_learned_again(rig: Rig, contract: ContractApi) -> None:
    list(stream(rig, 1, NEEDED + 20, CALM, each=20))
    _, revision = rig.store.read_aside("calibrations", "tiny", "d-1")
    rig.store.write_aside("calibrations", "tiny", "d-1", b"[]", revision)
    (decision,) = stream(rig, NEEDED + 21, 2, CALM)  # another function, without anything in memory
    assert decision.calibration == "fleet"
    assert rig.store.read("tiny", "d-1")[0].learning.active


def test_merging_the_same_readings_again_changes_nothing_and_the_newest_are_kept() -> None:
    slots, values = np.arange(10, 20), np.arange(20.0).reshape(10, 2)
    once = QuietRows().merged(slots, values, since=12)
    twice = once.merged(slots, -values, since=12)
    assert once.slots.tolist() == list(range(13, 20))
    np.testing.assert_array_equal(twice.values, once.values)
    many = once.merged(np.arange(100, 100 + learning.MOST_ROWS), np.zeros((learning.MOST_ROWS, 2)), since=12)
    assert (len(many.slots), many.slots[0]) == (learning.MOST_ROWS, 100)
    wide = QuietRows().merged(np.arange(5_000), np.ones((5_000, 60)), since=-1)
    assert len(wide.encode()) < 1_000_000
    back = QuietRows.decode(wide.encode())
    np.testing.assert_array_equal(back.slots, wide.slots)
    np.testing.assert_array_equal(back.values, wide.values)


def test_a_device_without_its_own_is_learning_unless_the_bundle_has_one() -> None:
    assert Learning().active
    assert Learning(source="fleet").active
    assert not Learning(source="bundle").active
    assert Learning(source="bundle").again().active
    assert not Learning(calibration="x", source="fleet").active


def test_a_message_costs_one_read_and_one_write_except_where_readings_are_kept_aside(rig: Rig) -> None:
    asked = Counter[str]()

    class Noting:
        """The real store, and which of its methods were asked for."""

        def __getattr__(self, name: str) -> object:
            asked[name] += 1
            return getattr(rig.store, name)

    handler = rig.handler(Noting())  # type: ignore[arg-type]
    messages = 0
    for at in range(1, NEEDED + 60, 4):
        messages += 1
        rig.send("d-1", times(at, 4), CALM, handler=handler)
    assert rig.store.read("tiny", "d-1")[0].learning.calibration
    assert (asked["read"], asked["write"]) == (messages, messages)
    # a chunk is three messages here, until there is a calibration
    assert asked["read_aside"] - 1 == asked["write_aside"] - 1 <= messages / 2
    asked.clear()
    for at in range(NEEDED + 60, NEEDED + 120, 4):
        rig.send("d-1", times(at, 4), CALM, handler=handler)
    assert asked == {"read": 15, "write": 15}
    # another instance reads the calibration once
    other = rig.handler(Noting())  # type: ignore[arg-type]
    for at in range(NEEDED + 120, NEEDED + 132, 4):
        rig.send("d-1", times(at, 4), CALM, handler=other)
    assert asked == {"read": 18, "write": 18, "read_aside": 1}
