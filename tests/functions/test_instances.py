"""The function as it is deployed on Firestore: several instances on one database decide as one instance does."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from aiot_anomaly.messages import Decision
from functions.firestore_store import FirestoreStore
from local.pubsub import resources
from tests.functions import contract_api
from tests.functions.contract_api import ContractApi
from tests.functions.processes import Process, start_function
from tests.functions.rig import Topics, batch, push_body
from tests.support.tiny_bundle import START, tiny_profile

PROFILE = tiny_profile()
TINY = {"profile": "tiny", "schema_version": "1"}
CALM, LOUD = (50.0, 5.0), (90.0, 5.0)


class Instances:
    """Functions in processes of their own, on one project and one Firestore database."""

    def __init__(self, folder: Path, api_url: str, n: int) -> None:
        self.project = f"test-{uuid.uuid4().hex[:8]}"
        self.topics = Topics(self.project)
        self.store = FirestoreStore(self.project, "aiot", timeout_s=20)
        environ = {
            "PROJECT": self.project,
            "STORE": "firestore:aiot",
            "STORE_TIMEOUT_S": "20",
            "API_URL": api_url,
            # as Cloud Run sets it
            "K_SERVICE": "aiot-readings",
        }
        self.functions = list[Process]()
        for i in range(n):
            own = folder / f"{self.project}-{i}"
            own.mkdir()
            self.functions.append(start_function(own, environ))

    def wait_ready(self) -> None:
        for function in self.functions:
            function.wait_ready()

    def push(self, instance: int, message_id: str, first: int, n: int, values: tuple[float, float]) -> int:
        """Readings number `first` to `first` + n - 1 of device d-1, as Pub/Sub would push them; gives the status."""
        data = batch(PROFILE, "d-1", [START + 60 * i for i in range(first, first + n)], values)
        return httpx.post(
            self.functions[instance].url, content=push_body(data, message_id, TINY), timeout=60
        ).status_code

    def decisions(self) -> list[Decision]:
        return [p.decision for p in self.topics.pull(resources.DECISIONS_PULL)]

    def close(self) -> None:
        for function in self.functions:
            function.kill()
        self.topics.close()
        self.store.close()


@pytest.fixture
def start(
    pubsub: str, firestore_host: str, contract: ContractApi, tmp_path: Path
) -> Iterator[Callable[[int], Instances]]:
    """Starts as many instances, on a project of their own."""
    with contract_api.running(contract) as url, contextlib.ExitStack() as closing:

        def start(n: int) -> Instances:
            instances = Instances(tmp_path, url, n)
            closing.callback(instances.close)
            instances.wait_ready()
            return instances

        yield start


def test_two_instances_that_take_turns_decide_as_one_and_redelivery_doubles_nothing(
    start: Callable[[int], Instances],
) -> None:
    instances, alone = start(2), start(1)
    for i in range(12):
        values = LOUD if 4 <= i < 8 else CALM
        assert alone.push(0, f"m-{i}", 1 + 5 * i, 5, values) == 204
        assert instances.push(i % 2, f"m-{i}", 1 + 5 * i, 5, values) == 204
        # delivered again, and to the other one
        assert instances.push((i + 1) % 2, f"m-{i}", 1 + 5 * i, 5, values) == 204
    expected, found = alone.decisions(), instances.decisions()
    unstamped = {"decided_at": None}
    assert [d.model_copy(update=unstamped) for d in found] == [d.model_copy(update=unstamped) for d in expected]
    assert [d.incident.state for d in found if d.incident and d.incident.state != "ongoing"] == ["opened", "closed"]
    assert instances.store.totals() == alone.store.totals()
    assert instances.store.totals().outcomes["duplicate"] == 0
    told = [line for f in instances.functions for line in f.lines if line["message"].startswith("incident ")]
    assert sorted(line["message"] for line in told) == ["incident closed", "incident opened"]
    assert len({line["incident_id"] for line in told}) == 1


def test_messages_of_one_device_on_two_instances_at_once_lose_no_reading(start: Callable[[int], Instances]) -> None:
    instances = start(2)

    def deliver(i: int) -> list[int]:
        """Until it is acknowledged, as Pub/Sub does; gives the statuses."""
        statuses = [instances.push(i % 2, f"m-{i}", i, 1, CALM)]
        while statuses[-1] != 204 and len(statuses) < 20:
            statuses.append(instances.push(i % 2, f"m-{i}", i, 1, CALM))
        return statuses

    assert deliver(0) == [204]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(deliver, range(1, 31)))
    assert {s[-1] for s in statuses} == {204}
    assert {status for s in statuses for status in s} <= {204, 503}
    totals = instances.store.totals()
    assert totals.readings + totals.pending == 31
    assert (totals.outcomes["duplicate"], totals.devices) == (0, 1)


def test_poison_is_parked_and_counted_once_whichever_instance_gets_it(start: Callable[[int], Instances]) -> None:
    instances = start(2)
    for function in instances.functions:
        assert httpx.post(function.url, content=push_body(b"poison", "m-1", TINY), timeout=60).status_code == 204
    assert instances.store.totals().parked == {"malformed_message": 1}
    assert instances.store.totals().devices == 0
