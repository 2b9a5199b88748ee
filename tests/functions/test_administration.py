"""What an operator does by hand: from the command line, on the store that the function uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.windows import as_datetime
from functions import administration
from functions.__main__ import main
from functions.errors import UnknownDeviceError
from functions.sqlite_store import SqliteStore
from functions.store import Revision, WindowStore
from tests.functions.rig import Rig
from tests.support.tiny_bundle import START

CALM, LOUD = (50.0, 5.0), (90.0, 5.0)
BOTH = pytest.mark.parametrize("open_store", ["sqlite", "firestore"], indirect=True)


def times(first: int, n: int) -> list[int]:
    return [START + 60 * i for i in range(first, first + n)]


def minute(i: int) -> datetime:
    return as_datetime(START + 60 * i)


@BOTH
def test_in_maintenance_windows_are_decided_and_no_incident_is_opened(rig: Rig) -> None:
    rig.send("d-1", times(1, 10), CALM)
    administration.set_maintenance(rig.store, "tiny", "d-1", minute(20), minute(40))
    rig.decisions()
    rig.send("d-1", times(11, 30), LOUD)
    by_minute = {(d.window_end - minute(0)).total_seconds() // 60: d for d in rig.decisions()}
    assert all(d.is_anomaly for m, d in by_minute.items() if m > 12)
    assert {m for m, d in by_minute.items() if d.maintenance} == set(range(20, 41, 2))
    # opened before; it goes on
    assert by_minute[14].incident is not None
    assert len({d.incident.id for d in by_minute.values() if d.incident}) == 1
    rig.send("d-2", times(1, 10), CALM)
    administration.set_maintenance(rig.store, "tiny", "d-2", minute(0), minute(40))
    rig.send("d-2", times(11, 34), LOUD)
    other = {(d.window_end - minute(0)).total_seconds() // 60: d for d in rig.decisions() if d.device_id == "d-2"}
    assert all(d.is_anomaly for m, d in other.items() if m > 12)
    assert [m for m, d in other.items() if d.incident] == [44]  # the second anomalous one after it


@BOTH
def test_maintenance_can_be_ended_early(rig: Rig) -> None:
    rig.send("d-1", times(1, 10), CALM)
    administration.set_maintenance(rig.store, "tiny", "d-1", minute(0), minute(400))
    assert administration.end_maintenance(rig.store, "tiny", "d-1").maintenance is None
    rig.send("d-1", times(11, 10), LOUD)
    assert any(d.incident for d in rig.decisions())


@BOTH
def test_a_device_that_never_sent_is_a_mistake(store: WindowStore) -> None:
    with pytest.raises(UnknownDeviceError, match="no device d-1 of profile tiny"):
        administration.recalibrate(store, "tiny", "d-1", trusted=False)
    assert store.totals().devices == 0


def test_a_change_is_tried_again_where_a_message_comes_first(rig: Rig) -> None:
    rig.send("d-1", times(1, 3), CALM)

    class Overtaken:
        """The real store, in which a message comes first, twice."""

        left = 2

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
            if self.left:
                self.left -= 1
                assert rig.send(device, times(10 - self.left, 1), CALM) == 204
            rig.store.write(profile, device, state, revision)

    administration.set_maintenance(Overtaken(), "tiny", "d-1", minute(0), minute(9))  # type: ignore[arg-type]
    state = rig.store.read("tiny", "d-1")[0]
    assert state.maintenance == (START, START + 540)
    assert sum(state.outcomes.values()) + state.pending == 5


@pytest.fixture
def command(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command on the rig's store."""
    assert isinstance(rig.store, SqliteStore)
    monkeypatch.setenv("STORE", str(rig.store._path))
    monkeypatch.setenv("PROJECT", rig.topics.project)
    monkeypatch.delenv("K_SERVICE", raising=False)
    return lambda *arguments: main(arguments)


def test_the_commands_change_the_device_and_show_it(
    rig: Rig, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    rig.send("d-1", times(1, 20), LOUD)
    assert command("show", "tiny", "d-1") == 0
    shown = capsys.readouterr().out
    assert "last message     2026-11-22T19:00:00Z" in shown
    assert "open incident    since 2026-01-01T00:10:00Z" in shown
    assert "maintenance      none" in shown
    until = ("--from", "2026-11-22T19:00:00Z", "--until", "2026-11-22T21:00:00+01:00")
    assert command("maintenance", "tiny", "d-1", *until) == 0
    assert "maintenance      2026-11-22T19:00:00Z until 2026-11-22T20:00:00Z" in capsys.readouterr().out
    assert command("maintenance", "tiny", "d-1", "--hours", "4") == 0
    during = rig.store.read("tiny", "d-1")[0].maintenance
    assert during is not None
    assert during[1] - during[0] == 4 * 3600
    assert abs(as_datetime(during[0]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert command("maintenance", "tiny", "d-1", "--end") == 0
    assert rig.store.read("tiny", "d-1")[0].maintenance is None
    assert command("recalibrate", "tiny", "d-1", "--trust") == 0
    learning = rig.store.read("tiny", "d-1")[0].learning
    assert (learning.wanted, learning.trusted) == (True, True)
    assert "learns its own" in capsys.readouterr().out
    assert command("upgrade") == 0
    assert capsys.readouterr().out.startswith("0 devices that sent nothing since")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "tiny", "d-9"), "knows no device d-9"),
        (
            ("maintenance", "tiny", "d-1", "--from", "2026-11-22T19:00Z", "--until", "2026-11-22T18:00Z"),
            "before it begins",
        ),
        (("--store", "elsewhere.db", "show", "tiny", "d-1"), "no SQLite store elsewhere.db"),
        (("--store", "redis:x", "show", "tiny", "d-1"), "redis"),
        (("--store", __file__, "show", "tiny", "d-1"), "is no SQLite store"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_it_is(
    rig: Rig, command: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    rig.send("d-1", times(1, 3), CALM)
    assert command(*arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert line.startswith("error: ")


def test_without_a_store_it_says_what_to_give(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STORE", raising=False)
    assert main(("show", "tiny", "d-1")) == 1
    assert "give --store, or set STORE" in capsys.readouterr().err
    assert not Path("none").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("maintenance", "tiny", "d-1", "--until", "yesterday"), "yesterday is no time"),
        (("maintenance", "tiny", "d-1", "--until", "2026-11-22T19:00:00"), "has no zone"),
        (("maintenance", "tiny", "d-1", "--hours", "nan"), "nan is no number of hours"),
        (("maintenance", "tiny", "d-1", "--hours", "1e30"), "1e30 is no number of hours"),
        (("maintenance", "tiny", "d-1", "--hours", "1e9"), "expected 3,650 at most"),
        (("maintenance", "tiny", "d-1", "--until", "9999-12-31T23:59:59-14:00"), "until 2200"),
        (("maintenance", "tiny", "d-1", "--end", "--from", "0001-01-01T00:00:00+14:00"), "from 1971"),
        (("redrive", "parked", "--most", "0"), "expected 1 or more"),
    ],
)
def test_an_argument_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err.splitlines()[-1]
