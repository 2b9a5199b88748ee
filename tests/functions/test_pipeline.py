"""Readings in, decisions out: through the real store, a real Pub/Sub and an HTTP server that speaks the contract."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.profile import Stream
from functions.sqlite_store import SqliteStore
from functions.store import Revision, WindowStore
from tests.functions.contract_api import ContractApi
from tests.functions.rig import Rig
from tests.support.tiny_bundle import START, tiny_profile

CALM, LOUD = (50.0, 5.0), (90.0, 5.0)


def times(first: int, n: int) -> list[int]:
    """n consecutive grid times, from number `first` on."""
    return [START + 60 * i for i in range(first, first + n)]


def test_full_windows_become_decisions_that_carry_where_they_are_from(rig: Rig) -> None:
    attributes = {"profile": "tiny", "schema_version": "1", "sent_at": "1767225600.5", "other": "x"}
    assert rig.send("d-1", times(0, 13), CALM, message_id="m-42", attributes=attributes) == 204
    published = rig.published()
    assert [p.ordering_key for p in published] == ["d-1"] * 3
    first = published[0]
    assert first.attributes == {
        "profile": "tiny",
        "device_id": "d-1",
        "decision_id": "tiny/d-1/2026-01-01T00:08:00Z",
        "is_anomaly": "false",
        "message_id": "m-42",
        "sent_at": "1767225600.5",
    }
    decision = first.decision
    assert decision.id == first.attributes["decision_id"]
    assert decision.window_end == datetime(2026, 1, 1, 0, 8, tzinfo=UTC)
    assert (decision.profile, decision.device_id, decision.model_version) == ("tiny", "d-1", "v1")
    assert decision.values == {"flow": 50.0, "pressure": 5.0}
    assert abs((decision.decided_at - datetime.now(UTC)).total_seconds()) < 30
    assert rig.store.totals().outcomes == {"decided": 6, "warming_up": 7, "duplicate": 0, "late": 0, "gap": 0}


def test_all_windows_of_a_message_are_one_request(rig: Rig, contract: ContractApi) -> None:
    rig.send("d-1", times(0, 101), CALM)
    assert contract.paths() == ["/v1/models/tiny", "/v1/models/tiny:predict"]
    assert contract.requests[-1][2] == len(rig.decisions()) == 47


def test_a_message_without_a_full_window_asks_and_publishes_nothing(rig: Rig, contract: ContractApi) -> None:
    assert rig.send("d-1", times(0, 3), CALM) == 204
    assert contract.paths() == ["/v1/models/tiny"]
    assert rig.published() == []
    assert rig.store.totals().readings + rig.store.totals().pending == 3


@pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)
def test_a_redelivered_message_publishes_nothing_and_counts_nothing(rig: Rig) -> None:
    rig.send("d-1", times(0, 13), LOUD, message_id="m-1")
    before, first = rig.store.totals(), rig.decisions()
    assert len(first) == 3
    for _ in range(3):
        assert rig.send("d-1", times(0, 13), LOUD, message_id="m-1") == 204
    assert rig.decisions() == []
    assert rig.store.totals() == before


def test_a_second_message_of_the_same_readings_changes_no_decision(rig: Rig) -> None:
    once, twice = [], []
    for i in range(0, 40, 5):
        value = LOUD if i >= 20 else CALM
        rig.send("once", times(i, 5), value)
        once += rig.decisions()
        rig.send("twice", times(i, 5), value)
        rig.send("twice", times(i, 5), value)
        twice += rig.decisions()
    assert len(once) == 16
    assert [(d.window_end, d.score, d.incident and d.incident.state) for d in once] == [
        (d.window_end, d.score, d.incident and d.incident.state) for d in twice
    ]
    assert rig.store.totals().outcomes["duplicate"] == 40


@pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)
def test_an_incident_opens_goes_on_and_closes_across_messages(rig: Rig) -> None:
    states = []
    for i in range(0, 60, 2):
        rig.send("d-1", times(i + 1, 2), LOUD if 20 <= i < 30 else CALM)
        for p in rig.published():
            decision = p.decision
            assert p.attributes.get("incident_state") == (decision.incident.state if decision.incident else None)
            assert p.attributes["is_anomaly"] == ("true" if decision.is_anomaly else "false")
            states.append((decision.is_anomaly, decision.incident))
    found = [(a, i.state if i else None) for a, i in states]
    quiet_before = found.index((True, None))
    assert found[:quiet_before] == [(False, None)] * quiet_before
    assert found[quiet_before : quiet_before + 10] == [
        (True, None),
        (True, "opened"),
        (True, "ongoing"),
        (True, "ongoing"),
        (True, "ongoing"),
        (False, "ongoing"),
        (False, "ongoing"),
        (False, "ongoing"),
        (False, "closed"),
        (False, None),
    ]
    assert len({i.id for _, i in states if i}) == 1
    assert {i.peak_score for _, i in states if i} == {1.5}


def test_a_value_out_of_range_is_named_and_is_the_reason_where_there_is_no_anomaly(rig: Rig) -> None:
    rig.send("calm", times(0, 9), CALM)
    rig.send("calm", times(9, 2), [(500.0, 5.0), (50.0, 5.0)])
    *_, decision = rig.decisions()
    assert (decision.is_anomaly, decision.reason, decision.out_of_range) == (False, "out_of_range", ["flow"])
    rig.send("loud", times(0, 9), LOUD)
    rig.send("loud", times(9, 2), [(90.0, 99.0), (90.0, 5.0)])
    *before, decision = rig.decisions()
    assert (decision.is_anomaly, decision.reason, decision.out_of_range) == (True, "anomaly", ["pressure"])
    assert [d.out_of_range for d in before] == [[]]


def test_readings_out_of_order_within_the_allowed_lateness_give_the_decisions_of_ordered_ones(
    rig: Rig, contract: ContractApi
) -> None:
    patient = tiny_profile("patient").model_copy(update={"stream": Stream(allowed_lateness_s=300)})
    contract.profiles["patient"] = patient
    rig.profile = patient
    rng = np.random.default_rng(3)
    values = {t: (50 + 20 * rng.random(), 5.0) for t in times(0, 60)}
    ordered = list(values)
    # the first reading says where a device's stream begins, so it comes first
    swapped = ordered[:4] + [t for a in range(4, 60, 4) for t in reversed(ordered[a : a + 4])]
    found = {}
    for device, order in (("ordered", ordered), ("swapped", swapped)):
        for t in order:
            assert rig.send(device, [t], [values[t]]) == 204
        found[device] = rig.decisions()
    assert len(found["ordered"]) == 26
    assert [(d.window_end, d.score, d.values) for d in found["ordered"]] == [
        (d.window_end, d.score, d.values) for d in found["swapped"]
    ]
    assert rig.store.totals().outcomes["late"] == 0


def test_a_reading_that_is_too_late_is_counted_and_decides_nothing(rig: Rig) -> None:
    rig.send("d-1", times(0, 10) + times(11, 4), CALM)
    rig.decisions()
    assert rig.send("d-1", times(10, 1), LOUD) == 204
    assert rig.decisions() == []
    assert rig.store.totals().outcomes["late"] == 1


def test_a_crash_between_publishing_and_writing_leads_to_the_same_decisions_again(rig: Rig) -> None:
    class Crash(BaseException):
        """Nothing in the product catches this: it is the end of the process."""

    class Crashing:
        """The real store, up to the moment of the write."""

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, *args: object) -> None:
            raise Crash

    rig.send("d-1", times(0, 9), LOUD, message_id="m-1")
    assert len(rig.decisions()) == 1
    with pytest.raises(Crash):
        rig.send("d-1", times(9, 10), LOUD, message_id="m-2", handler=rig.handler(Crashing()))
    crashed = rig.decisions()
    assert rig.send("d-1", times(9, 10), LOUD, message_id="m-2") == 204
    again = rig.decisions()
    assert len(crashed) == 5
    unstamped = {"decided_at": None}
    assert [d.model_copy(update=unstamped) for d in crashed] == [d.model_copy(update=unstamped) for d in again]
    assert rig.store.totals().outcomes["decided"] == 12


@pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)
def test_a_conflict_is_resolved_by_reading_again(rig: Rig) -> None:
    class Overtaken:
        """The real store, in which another writer comes first, once."""

        overtaken = False

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
            if not self.overtaken:
                self.overtaken = True
                assert rig.send(device, times(0, 9), CALM, message_id="other") == 204
            rig.store.write(profile, device, state, revision)

    assert rig.send("d-1", times(9, 4), CALM, message_id="own", handler=rig.handler(Overtaken())) == 204
    assert Counter(d.window_end.minute for d in rig.decisions()) == {8: 1, 10: 1, 12: 1}
    assert rig.store.totals().readings == 13


@pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)
def test_messages_of_one_device_at_once_lose_no_reading(rig: Rig) -> None:
    rig.send("d-1", times(0, 1), CALM)
    handler = rig.handler()

    def deliver(i: int) -> int:
        for _ in range(10):
            status = rig.send("d-1", times(i, 1), CALM, message_id=f"own-{i}", handler=handler)
            if status != 503:
                break
        return status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(deliver, range(1, 41))) == {204}
    totals = rig.store.totals()
    assert totals.readings + totals.pending == 41
    assert totals.outcomes["duplicate"] == 0


def test_a_store_that_is_locked_is_retried_by_pubsub(rig: Rig) -> None:
    assert isinstance(rig.store, SqliteStore)
    path = rig.store._path
    locked = SqliteStore(path, timeout_s=0.1, environ={})
    blocker = SqliteStore(path, environ={})
    with blocker._connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert rig.send("d-1", times(0, 13), CALM, message_id="m-1", handler=rig.handler(locked)) == 503
        connection.execute("ROLLBACK")
    assert rig.send("d-1", times(0, 13), CALM, message_id="m-1", handler=rig.handler(locked)) == 204
    locked.close()
    blocker.close()
    ids = [d.id for d in rig.decisions()]
    assert Counter(ids) == Counter(dict.fromkeys(ids, 2))


def test_a_new_model_in_the_middle_of_the_stream_keeps_windows_and_incident(rig: Rig, contract: ContractApi) -> None:
    rig.send("d-1", times(0, 21), LOUD)
    contract.version = "v2"
    rig.send("d-1", times(21, 10), LOUD)
    rig.send("d-1", times(31, 10), LOUD)
    decisions = rig.decisions()
    assert [d.model_version for d in decisions] == ["v1"] * 7 + ["v2"] * 10
    assert len({d.incident.id for d in decisions if d.incident}) == 1
    assert all((b.window_end - a.window_end).total_seconds() == 120 for a, b in pairwise(decisions))
    assert contract.paths().count("/v1/models/tiny") == 2
    assert rig.store.read("tiny", "d-1")[0].model_version == "v2"


def test_the_store_is_one_that_the_contract_describes(rig: Rig) -> None:
    store: WindowStore = rig.store
    assert store.totals("tiny").devices == 0


def test_the_budget_that_came_with_the_threshold_counts_and_what_is_beyond_is_recorded(
    rig: Rig, contract: ContractApi, caplog: pytest.LogCaptureFixture
) -> None:
    contract.alarms = 1
    caplog.set_level("INFO", logger="functions.incidents")
    for i in range(3):
        rig.send("d-1", times(1 + 30 * i, 20), CALM)
        rig.send("d-1", times(21 + 30 * i, 10), LOUD)
    incidents = [d.incident for d in rig.decisions() if d.incident and d.incident.state != "ongoing"]
    assert [(i.state, i.suppressed) for i in incidents] == [
        *(("opened", False), ("closed", False)),
        *(("opened", True), ("closed", True)),
        ("opened", True),
    ]
    assert [r.message for r in caplog.records] == [
        *("incident opened", "incident closed"),
        *("incident suppressed", "incident closed"),
        "incident suppressed",
    ]
    assert {len(i.sensors) for i in incidents} == {2}


def test_without_one_the_profiles_budget_counts(rig: Rig) -> None:
    for i in range(5):
        rig.send("d-1", times(1 + 30 * i, 20), CALM)
        rig.send("d-1", times(21 + 30 * i, 10), LOUD)
    opened = [d.incident for d in rig.decisions() if d.incident and d.incident.state == "opened"]
    assert [i.suppressed for i in opened] == [False] * 3 + [True] * 2


def test_a_calibration_that_the_new_model_cannot_read_is_left_out_and_made_anew(
    rig: Rig, contract: ContractApi
) -> None:
    rig.send("d-1", times(1, 298), CALM)
    before = rig.store.read("tiny", "d-1")[0].learning
    assert before.calibration
    rig.decisions()
    contract.version, contract.unreadable = "v2", {"v1"}
    assert rig.send("d-1", times(299, 2), CALM) == 204
    (decision,) = rig.decisions()
    assert (decision.calibration, decision.calibration_id) == ("fleet", None)
    after = rig.store.read("tiny", "d-1")[0].learning
    assert after.version == "v2"
    assert after.calibration != before.calibration
