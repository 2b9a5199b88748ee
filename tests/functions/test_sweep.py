"""Devices that stop sending: their last windows are closed, somebody is told once, and again when they send."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import Decision, Notice
from aiot_anomaly.profile import Stream
from functions.errors import ApiUnavailableError
from functions.store import Revision
from functions.sweep import PATIENCE_S
from tests.functions.contract_api import ContractApi
from tests.functions.rig import PUBLISHED, Rig
from tests.support.tiny_bundle import START, tiny_profile

CALM, LOUD = (50.0, 5.0), (90.0, 5.0)
#: of the tiny profile: its interval is a minute, and a quarter of an hour is longer than ten
SILENT_AFTER_S = 900
#: when the messages of these tests were published
SENT = int(PUBLISHED.timestamp())
BOTH = pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)


def times(first: int, n: int) -> list[int]:
    return [START + 60 * i for i in range(first, first + n)]


def told(rig: Rig) -> list[Decision | Notice]:
    """What was published since the last call."""
    return [Notice.model_validate_json(p.data) if "notice" in p.attributes else p.decision for p in rig.published()]


@pytest.fixture
def heard(rig: Rig) -> None:
    """Sweeps found all parts at work, long before the messages and ever since."""
    for now in range(SENT - 3600, SENT + 1, PATIENCE_S):
        assert rig.sweep(now) == {}


@BOTH
def test_a_device_that_stopped_is_silent_once_and_its_last_windows_are_decided(rig: Rig, heard: None) -> None:
    # the window of the 14th reading is evaluated at the 15th, which does not come
    rig.send("d-1", times(0, 14), CALM)
    assert [d.window_end.minute for d in told(rig)] == [8, 10, 12]
    assert rig.store.totals().pending == 1
    assert rig.sweep(SENT + SILENT_AFTER_S - 1) == {}
    assert told(rig) == []
    assert rig.sweep(SENT + SILENT_AFTER_S) == {"silent": 1}
    decision, notice = told(rig)
    assert isinstance(decision, Decision)
    assert decision.window_end.minute == 14
    assert isinstance(notice, Notice)
    assert (notice.reason, notice.since, notice.device_id) == ("silent", PUBLISHED, "d-1")
    assert notice.incident is not None
    assert (notice.incident.state, notice.incident.kind) == ("opened", "silent")
    assert rig.store.totals().pending == 0
    assert rig.store.totals().outcomes["decided"] == 7
    assert rig.sweep(SENT + 10 * SILENT_AFTER_S) == {}
    assert told(rig) == []


@BOTH
def test_a_silent_device_that_sends_again_closes_its_incident(rig: Rig, heard: None) -> None:
    rig.send("d-1", times(0, 13), CALM)
    rig.sweep(SENT + SILENT_AFTER_S)
    *_, silent = told(rig)
    later = datetime.fromtimestamp(SENT + 5_000, UTC)
    rig.send("d-1", times(100, 3), CALM, published=later)
    sending, *others = told(rig)
    assert isinstance(sending, Notice)
    assert isinstance(silent, Notice)
    assert sending.incident is not None
    assert silent.incident is not None
    assert (sending.reason, sending.incident.state) == ("sending", "closed")
    assert sending.incident.id == silent.incident.id
    assert sending.id != silent.id
    assert [n.reason for n in others if isinstance(n, Notice)] == ["gap"]
    # a second silence is another incident
    for now in range(SENT + SILENT_AFTER_S, SENT + 5_000 + SILENT_AFTER_S, PATIENCE_S):
        rig.sweep(now)
    rig.sweep(SENT + 5_000 + SILENT_AFTER_S)
    *_, again = told(rig)
    assert isinstance(again, Notice)
    assert again.reason == "silent"
    assert again.id != silent.id


def test_a_redelivered_message_does_not_end_a_silence(rig: Rig, heard: None) -> None:
    rig.send("d-1", times(0, 13), CALM, message_id="m-1")
    rig.sweep(SENT + SILENT_AFTER_S)
    told(rig)
    rig.send("d-1", times(0, 13), CALM, message_id="m-1")
    assert told(rig) == []


@BOTH
def test_a_message_that_comes_into_a_sweep_says_what_the_sweep_says(rig: Rig, heard: None) -> None:
    rig.send("d-1", times(0, 14), CALM)
    told(rig)

    class Overtaken:
        """The real store, in which a message comes first, once the sweep has said what it does."""

        writes = 0

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
            self.writes += 1
            if self.writes == 2:
                assert rig.send("d-1", times(14, 3), LOUD) == 204
            rig.store.write(profile, device, state, revision)

    assert rig.sweep(SENT + SILENT_AFTER_S, Overtaken()) == {"overtaken": 1}  # type: ignore[arg-type]
    found = told(rig)
    by_id = {m.id: m.model_copy(update={"decided_at": None}) for m in found}
    # whoever was first, the same was said
    assert all(by_id[m.id] == m.model_copy(update={"decided_at": None}) for m in found)
    states = [m.incident.state for m in by_id.values() if isinstance(m, Notice) and m.incident]
    assert sorted(states) == ["closed", "opened"]
    totals = rig.store.totals()
    assert totals.readings + totals.pending == 17
    assert totals.outcomes["late"] == 1  # the window of reading 15 was closed
    assert rig.store.read("tiny", "d-1")[0].silent_at is None


@BOTH
def test_a_sweep_that_crashes_before_its_last_write_is_done_again_with_the_same_ids(rig: Rig, heard: None) -> None:
    class Crash(BaseException):
        """The end of the process."""

    class Crashing:
        writes = 0

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, *args: object) -> None:
            self.writes += 1
            if self.writes == 2:
                raise Crash
            rig.store.write(*args)  # type: ignore[arg-type]

    rig.send("d-1", times(0, 14), CALM)
    told(rig)
    with pytest.raises(Crash):
        rig.sweep(SENT + SILENT_AFTER_S, Crashing())  # type: ignore[arg-type]
    first = told(rig)
    assert rig.sweep(SENT + SILENT_AFTER_S + 60) == {"silent": 1}
    assert [m.id for m in told(rig)] == [m.id for m in first]
    assert rig.sweep(SENT + SILENT_AFTER_S + 120) == {}


def test_while_nothing_comes_through_no_device_is_called_silent(rig: Rig, contract: ContractApi) -> None:
    rig.sweep(SENT)
    rig.send("d-1", times(0, 13), CALM)
    told(rig)
    contract.faults = [503] * 4
    with pytest.raises(ApiUnavailableError):
        rig.sweep(SENT + 600)
    # an hour later everything is at work again: what piled up comes through first
    back = SENT + 4_000
    assert rig.sweep(back) == {"later": 1}
    assert told(rig) == []
    assert rig.sweep(back + SILENT_AFTER_S) == {"silent": 1}
    assert len(told(rig)) == 1


def test_a_device_in_maintenance_is_not_called_silent(rig: Rig, heard: None) -> None:
    rig.send("d-1", times(0, 13), CALM)
    told(rig)
    state, revision = rig.store.read("tiny", "d-1")
    until = SENT + 7_200
    rig.store.write("tiny", "d-1", replace(state, maintenance=(SENT, until)), revision)
    assert rig.sweep(SENT + SILENT_AFTER_S) == {"later": 1}
    for now in range(SENT + SILENT_AFTER_S, until + SILENT_AFTER_S, PATIENCE_S):
        rig.sweep(now)
    assert told(rig) == []
    assert rig.sweep(until + SILENT_AFTER_S) == {"silent": 1}


def test_the_profile_says_after_how_long_a_device_is_silent(rig: Rig, contract: ContractApi, heard: None) -> None:
    rig.profile = tiny_profile("patient").model_copy(update={"stream": Stream(silent_after_s=7_200)})
    contract.profiles["patient"] = rig.profile
    rig.send("d-1", times(0, 13), CALM)
    for now in range(SENT, SENT + 7_200, PATIENCE_S):
        assert rig.sweep(now) == {}
    assert rig.sweep(SENT + 7_200) == {"silent": 1}


def test_a_sweep_reads_no_device_that_is_not_due(rig: Rig, heard: None) -> None:
    for i in range(20):
        rig.send(f"d-{i}", times(0, 1), CALM)
    rig.send("late", times(0, 1), CALM, published=datetime.fromtimestamp(SENT - 1_000, UTC))

    asked = list[str]()

    class Noting:
        """The real store, and which of its methods were asked for."""

        def __getattr__(self, name: str) -> object:
            asked.append(name)
            return getattr(rig.store, name)

    assert rig.sweep(SENT + 1, Noting()) == {"silent": 1}  # type: ignore[arg-type]
    assert Counter(asked) == {"due": 1, "read": 2, "write": 2, "read_aside": 1, "write_aside": 1}


def test_more_silent_devices_than_one_look_into_the_store_finds(rig: Rig, heard: None, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("functions.sweep.BATCH", 3)
    for i in range(10):
        rig.send(f"d-{i}", times(0, 1), CALM)
    assert rig.sweep(SENT + SILENT_AFTER_S) == {"silent": 10}
    assert len(told(rig)) == 10


def test_a_device_whose_model_is_gone_is_left_alone(rig: Rig, contract: ContractApi, heard: None) -> None:
    rig.send("d-1", times(0, 13), CALM)
    told(rig)
    contract.profiles.clear()
    rig.api._forget("tiny")
    assert rig.sweep(SENT + SILENT_AFTER_S) == {"unknown": 1}
    assert rig.sweep(SENT + SILENT_AFTER_S) == {}
    assert told(rig) == []
