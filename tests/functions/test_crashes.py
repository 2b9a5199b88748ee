"""A crash at each step of the work, in a process that really dies, leads to the same decisions after redelivery."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aiot_anomaly.device_state import DeviceState
from functions.sqlite_store import SqliteStore
from functions.store import Totals
from functions.sweep import PATIENCE_S
from local.pubsub import resources
from tests.functions import contract_api
from tests.functions.contract_api import ContractApi
from tests.functions.dying import Place, Worker
from tests.functions.rig import PUBLISHED, Topics, batch, push_body
from tests.support.tiny_bundle import START, tiny_profile

PROFILE = tiny_profile()
TINY = {"profile": "tiny", "schema_version": "1"}
CALM, LOUD = (50.0, 5.0), (90.0, 5.0)
SENT = int(PUBLISHED.timestamp())
SILENT_AFTER_S = 900
STEPS = (
    *("read", "predict", "publish 1", "publish 2", "publish 3"),
    *("read aside", "write aside", "calibrate", "write", "park", "answer"),
)


def work() -> list[bytes | int]:
    """Windows, an incident, a duplicate, a gap, poison, a calibration of the device's own, and silence in the end."""
    pieces = [(0, 20, CALM), (20, 9, LOUD), (20, 9, LOUD), (29, 10, CALM), (60, 20, CALM)]
    pieces += [(80 + 40 * i, 40, CALM) for i in range(7)]
    pieces += [(360, 7, LOUD)]
    bodies = [
        push_body(batch(PROFILE, "d-1", [START + 60 * (first + i) for i in range(n)], values), f"m-{number}", TINY)
        for number, (first, n, values) in enumerate(pieces)
    ]
    bodies.insert(3, push_body(b"poison", "m-poison", TINY))
    return [*range(SENT - 3600, SENT + 1, PATIENCE_S), *bodies, SENT + SILENT_AFTER_S]


@dataclass(frozen=True)
class Outcome:
    """What work led to."""

    told: dict[str, Any]
    parked: set[tuple[bytes, str]]
    totals: Totals
    state: DeviceState
    calibrations: bytes | None
    published: int
    deaths: int
    steps: frozenset[str]


@contextmanager
def worker(folder: Path, api: str) -> Iterator[tuple[Worker, Topics, SqliteStore]]:
    topics = Topics(f"test-{uuid.uuid4().hex[:8]}")
    store = SqliteStore(folder / f"{topics.project}.db", environ={})
    worker = Worker(Place(folder / f"{topics.project}.db", api, topics.project))
    try:
        yield worker, topics, store
    finally:
        worker.close()
        store.close()
        topics.close()


def outcome(folder: Path, api: str, fatal: str | None) -> Outcome:
    with worker(folder, api) as (working, topics, store):
        steps = {step for piece in work() for step in working.take(piece, fatal)}
        published = topics.pull(resources.DECISIONS_PULL)
        told: dict[str, Any] = {}
        for p in published:
            document = json.loads(p.data)
            document.pop("decided_at")
            assert told.setdefault(document["id"], document) == document, "said twice, and not the same"
        parked = {(p.data, p.attributes["message_id"]) for p in topics.pull(resources.READINGS_PARKED_PULL)}
        return Outcome(
            told=told,
            parked=parked,
            totals=store.totals(),
            state=store.read("tiny", "d-1")[0],
            calibrations=store.read_aside("calibrations", "tiny", "d-1")[0],
            published=len(published),
            deaths=working.deaths,
            steps=frozenset(steps),
        )


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with contract_api.running(ContractApi(PROFILE)) as url:
        yield url


@pytest.fixture(scope="module")
def undisturbed(pubsub_server: Any, api: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", pubsub_server.address)
        return outcome(tmp_path_factory.mktemp("undisturbed"), api, None)


def test_the_work_has_each_step_in_it(undisturbed: Outcome) -> None:
    assert undisturbed.steps == set(STEPS)
    assert undisturbed.deaths == 0
    assert undisturbed.published == len(undisturbed.told)
    assert {d["notice"] for d in undisturbed.told.values() if "notice" in d} | {
        d["reason"] for d in undisturbed.told.values()
    } >= {"gap", "silent", "normal", "anomaly"}
    assert {d["calibration"] for d in undisturbed.told.values() if "calibration" in d} == {"fleet", "device"}
    assert undisturbed.totals.outcomes["duplicate"] == 9


@pytest.mark.parametrize("step", STEPS)
def test_dying_at_a_step_of_every_message_changes_nothing(
    step: str, undisturbed: Outcome, pubsub: str, api: str, tmp_path: Path
) -> None:
    found = outcome(tmp_path, api, step)
    assert found.deaths > 0
    assert found.told == undisturbed.told
    assert found.parked == undisturbed.parked
    assert found.totals == undisturbed.totals
    assert found.state.encode() == undisturbed.state.encode()
    assert found.calibrations == undisturbed.calibrations
    # what was published before the crash is published again, under the same ids
    again = found.published - len(found.told)
    assert (again > 0) == (step.startswith("publish") or step in {"calibrate", "write aside", "read aside"})
