"""The lines of the log that an operator's alert is made of."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from aiot_anomaly.device_state import DeviceState
from functions.errors import StoreUnavailableError
from functions.logs import JsonFormatter
from functions.store import Revision
from tests.functions.contract_api import ContractApi
from tests.functions.rig import Rig
from tests.support.tiny_bundle import START

CALM, LOUD = (50.0, 5.0), (90.0, 5.0)


def times(first: int, n: int) -> list[int]:
    return [START + 60 * i for i in range(first, first + n)]


class Lines(logging.Handler):
    """What `functions.incidents` logged, as it leaves the process."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.found: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler, logger = Lines(), logging.getLogger("functions.incidents")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.found
    logger.setLevel(before)
    logger.removeHandler(handler)


def test_an_incident_is_one_line_when_it_opens_and_one_when_it_closes(
    rig: Rig, lines: list[dict[str, Any]], contract: ContractApi
) -> None:
    contract.shares = {"flow": 0.3, "pressure": 0.7}
    rig.send("d-1", times(1, 20), CALM, message_id="m-1")
    rig.send("d-1", times(21, 10), LOUD, message_id="m-2")
    rig.send("d-1", times(31, 20), CALM, message_id="m-3")
    opened, closed = lines
    assert opened == {
        "severity": "INFO",
        "message": "incident opened",
        "logger": "functions.incidents",
        "device_id": "d-1",
        "profile": "tiny",
        "incident_id": "tiny/d-1/2026-01-01T00:24:00Z",
        "since": "2026-01-01T00:24:00+00:00",
        "window_end": "2026-01-01T00:24:00+00:00",
        "score": 1.5,
        "peak_score": 1.5,
        "severity_score": 0.5,
        "kind": "anomaly",
        "sensor": "pressure",
        "sensors": ["pressure", "flow"],
        "decision_id": "tiny/d-1/2026-01-01T00:24:00Z",
        "message_id": "m-2",
        "attempt": 1,
    }
    assert closed == opened | {
        "message": "incident closed",
        "window_end": "2026-01-01T00:38:00+00:00",
        "score": 50 / 60,
        "decision_id": "tiny/d-1/2026-01-01T00:38:00Z",
        "message_id": "m-3",
    }


def test_an_incident_is_told_even_where_the_write_arrives_and_its_confirmation_does_not(
    rig: Rig, lines: list[dict[str, Any]]
) -> None:
    class Unconfirmed:
        """The real store, whose answer to a write is lost."""

        def __getattr__(self, name: str) -> object:
            return getattr(rig.store, name)

        def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
            rig.store.write(profile, device, state, revision)
            raise StoreUnavailableError("no answer")

    rig.send("d-1", times(1, 20), CALM)
    assert rig.send("d-1", times(21, 10), LOUD, message_id="m-2", handler=rig.handler(Unconfirmed())) == 503
    assert rig.send("d-1", times(21, 10), LOUD, message_id="m-2") == 204
    assert [line["message"] for line in lines] == ["incident opened"]


def test_without_an_incident_nothing_is_logged(rig: Rig, lines: list[dict[str, Any]]) -> None:
    rig.send("d-1", times(0, 40), CALM)
    assert len(rig.decisions()) == 16
    assert lines == []
