"""The function as it is deployed: functions-framework in a process of its own, behind a push subscription."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import httpx
import numpy as np
import pytest
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PubsubMessage
from pydantic import TypeAdapter

from aiot_anomaly import detector as detectors
from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.calibration import FEWEST_WINDOWS, CalibrationDocument, decode
from aiot_anomaly.profile import Stream as Settings
from functions.sqlite_store import SqliteStore
from local.pubsub import resources
from tests.functions import contract_api
from tests.functions.contract_api import ContractApi
from tests.functions.processes import ROOT, Process, free_port, start_api, start_function, wait_for
from tests.functions.rig import Published, Topics, batch, push_body
from tests.support.tiny_bundle import START, make_bundle, readings, tiny_profile

PROFILE = tiny_profile()
TINY = {"profile": "tiny", "schema_version": "1"}


def times(first: int, n: int) -> list[int]:
    return [START + 60 * i for i in range(first, first + n)]


class Stream:
    """A project whose `readings` are pushed to a function, and how to publish and collect."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.topics = Topics(
            f"test-{uuid.uuid4().hex[:8]}", f"http://127.0.0.1:{self.port}/", min_retry_s=0.1, max_retry_s=0.5
        )
        self.environ = {
            "PROJECT": self.topics.project,
            "STORE": str(folder / "stream.db"),
            "PUBSUB_EMULATOR_HOST": address,
            "API_DEADLINE_S": "1",
            "STORE_TIMEOUT_S": "20",
        }
        self.store = SqliteStore(folder / "stream.db", environ={})
        self._client = PublisherClient()
        self._started: list[Process] = []
        self._found: list[Published] = []

    def start(self, api_url: str, **environ: str) -> Process:
        function = start_function(self.folder, {**self.environ, "API_URL": api_url, **environ}, port=self.port)
        self._started.append(function)
        function.wait_ready()
        return function

    def publish(self, *messages: bytes, device: str = "d-1", attributes: Mapping[str, str] = TINY) -> None:
        self._client.publish(
            topic=f"projects/{self.topics.project}/topics/{resources.READINGS}",
            messages=[PubsubMessage(data=m, ordering_key=device, attributes=dict(attributes)) for m in messages],
        )

    def decisions(self) -> list[Published]:
        """All that were published so far."""
        self._pull()
        return [p for p in self._found if "notice" not in p.attributes]

    def notices(self) -> list[Published]:
        """What else was told of devices so far."""
        self._pull()
        return [p for p in self._found if "notice" in p.attributes]

    def _pull(self) -> None:
        self._found += self.topics.pull(resources.DECISIONS_PULL)

    def wait_settled(self, rows: int) -> None:
        """Until all but the last rows, which wait for their window, have an outcome."""

        def settled() -> bool:
            totals = self.store.totals()
            return totals.readings + totals.pending == rows

        wait_for(settled, 60)

    def close(self) -> None:
        for function in self._started:
            function.kill()
        self.topics.close()
        self.store.close()
        self._client.transport.close()


@pytest.fixture
def stream(pubsub: str, tmp_path: Path) -> Iterator[Stream]:
    stream = Stream(tmp_path, pubsub)
    yield stream
    stream.close()


@pytest.fixture
def contract_url(contract: ContractApi) -> Iterator[str]:
    with contract_api.running(contract) as url:
        yield url


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_bundle(folder / "tiny", devices=2)
    return folder


@pytest.fixture(scope="module")
def api(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = start_api(tmp_path_factory.mktemp("api"), models)
    yield process
    process.kill()


@pytest.mark.parametrize("pubsub_server", ["embedded", "official"], indirect=True)
def test_decisions_out_of_pubsub_equal_the_offline_result(stream: Stream, api: Process, models: Path) -> None:
    detector = detectors.load(models / "tiny")
    stream.start(api.url)
    n, expected = 300, {}
    for seed, device in enumerate(("device-1", "device-2", "stranger")):
        at, values = readings(PROFILE, n, seed=seed + 10)
        values[100:140, 1] += 4  # an anomaly
        values[200, 0] = 1e6  # out of range: held
        values[210:214, 1] = np.nan  # longer than may be held
        present = np.ones(n, dtype=bool)
        present[[50, 51, 150, 151, 152, 153, 154]] = False  # a short gap and a long one
        at, values = at[present], values[present]
        for i in range(0, len(at), 17):
            message = batch(PROFILE, device, at[i : i + 17].tolist(), values[i : i + 17])
            stream.publish(message, message, device=device)  # each of them twice
        until = int(at[-1]) // 60 // PROFILE.window.stride * PROFILE.window.stride
        cut = windows.cut(PROFILE, grid.on_grid(PROFILE, grid.slots(PROFILE, at), values, until=until))
        complete = cut.only(cut.complete)
        calibration, _ = detector.calibration(device)
        scores = detector.score(complete, calibration)
        expected[device] = {int(t): float(s) for t, s in zip(complete.ends, scores.score, strict=True)}
    rows = 3 * (n - 7)
    stream.wait_settled(2 * rows)
    found: dict[str, dict[int, float]] = {device: {} for device in expected}
    published = stream.decisions()
    for p in published:
        found[p.decision.device_id][int(p.decision.window_end.timestamp())] = p.decision.score
    assert len({p.decision.id for p in published}) == len(published), "no decision came twice"
    for device, scores in expected.items():
        assert found[device].keys() == scores.keys()
        np.testing.assert_allclose([found[device][t] for t in scores], list(scores.values()), rtol=1e-5)
        assert max(scores.values()) > 1 > min(scores.values())
    outcomes = stream.store.totals().outcomes
    assert outcomes["decided"] + outcomes["warming_up"] + outcomes["gap"] == rows - 3 * (1 - n % 2)
    # of what came twice, the part that is older than the device's history is no longer known as such
    assert outcomes["duplicate"] + outcomes["late"] == rows
    assert outcomes["gap"] > 0


def test_while_the_api_is_down_pubsub_is_told_to_come_again_and_then_the_message_decides(stream: Stream) -> None:
    port = free_port()
    function = stream.start(f"http://127.0.0.1:{port}")
    body = push_body(batch(PROFILE, "direct", times(0, 13), (50, 5)), "m-1", TINY)
    assert httpx.post(function.url, content=body, timeout=30).status_code == 503
    stream.publish(batch(PROFILE, "d-1", times(0, 13), (50, 5)))
    wait_for(lambda: len([line for line in function.lines if line["severity"] == "WARNING"]) >= 3)
    (line, *_) = (line for line in function.lines if line.get("message_id") == "m-1")
    assert line["code"] == "api_unavailable"
    assert stream.decisions() == []
    assert stream.store.totals().devices == 0
    with contract_api.running(ContractApi(), port=port):
        assert httpx.post(function.url, content=body, timeout=30).status_code == 204
        stream.wait_settled(26)
    assert len(stream.decisions()) == 6
    assert len({p.decision.id for p in stream.decisions()}) == 6


def test_killed_between_publishing_and_writing_it_publishes_the_same_ids_again(
    stream: Stream, contract_url: str
) -> None:
    function = stream.start(contract_url)
    stream.publish(batch(PROFILE, "d-1", times(0, 9), (90, 5)))
    stream.wait_settled(9)
    assert len(stream.decisions()) == 1
    # while somebody else holds the lock, the function has published and cannot write
    blocker = SqliteStore(stream.folder / "stream.db", environ={})
    with blocker._connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
        stream.publish(batch(PROFILE, "d-1", times(9, 10), (90, 5)))
        wait_for(lambda: len(stream.decisions()) == 6)
        function.kill()
        connection.execute("ROLLBACK")
    blocker.close()
    assert stream.store.totals().readings == 9
    stream.start(contract_url)
    stream.wait_settled(19)
    wait_for(lambda: len(stream.decisions()) == 11)
    first, again = stream.decisions()[1:6], stream.decisions()[6:]
    assert [p.decision.id for p in first] == [p.decision.id for p in again]
    assert [p.decision.incident for p in first] == [p.decision.incident for p in again]
    assert [p.decision.score for p in first] == [p.decision.score for p in again]


@pytest.mark.parametrize("pubsub_server", ["embedded", "official"], indirect=True)
def test_poison_among_good_messages_is_parked_and_the_sum_is_right(stream: Stream, contract_url: str) -> None:
    stream.start(contract_url)
    stream.publish(
        batch(PROFILE, "d-1", times(0, 10), (50, 5)),
        b"not json",
        batch(PROFILE, "d-1", times(10, 10), (50, 5)),
        b'{"device_id": "d-1", "readings": [{"timestamp": "2026-01-01T00:00:00Z", "values": {"nothing": 1}}]}',
        batch(PROFILE, "d-1", times(20, 10), (50, 5)),
    )
    stream.wait_settled(30)
    wait_for(lambda: stream.store.totals().parked_messages == 2)
    parked = stream.topics.pull(resources.READINGS_PARKED_PULL)
    assert [p.attributes["code"] for p in parked] == ["malformed_message", "unknown_sensor"]
    assert len(stream.decisions()) == 11


def test_on_sigterm_it_finishes_what_it_has_begun_closes_and_exits_with_0(
    stream: Stream, contract: ContractApi, contract_url: str
) -> None:
    function = stream.start(contract_url, API_DEADLINE_S="10")
    contract.faults = [0.01, 1.5]  # the profile at once, the prediction after a while
    stream.publish(batch(PROFILE, "d-1", times(0, 13), (50, 5)))
    wait_for(lambda: len(contract.requests) == 2)
    begin = time.monotonic()
    assert function.terminate() == 0
    assert time.monotonic() - begin < 8, "Cloud Run gives 10 s"
    assert stream.store.totals().readings == 13
    assert len(stream.decisions()) == 3
    assert function.lines[-1]["message"] == "closed"
    assert "Traceback" not in function.output


def test_what_is_unexpected_is_logged_with_its_traceback_and_not_acknowledged(
    stream: Stream, contract: ContractApi, contract_url: str
) -> None:
    function = stream.start(contract_url)
    contract.faults = [403]
    body = push_body(batch(PROFILE, "d-1", times(0, 13), (50, 5)), "m-1", TINY)
    assert httpx.post(function.url, content=body).status_code == 500
    (line,) = (line for line in function.lines if line["severity"] == "ERROR")
    assert line["message_id"] == "m-1"
    assert "ApiRefusedError" in line["stack_trace"]
    assert httpx.post(function.url, content=body).status_code == 204
    assert httpx.put(function.url, content=body).status_code == 405


def test_a_new_device_is_calibrated_by_the_real_api_and_decides_as_offline(
    stream: Stream, api: Process, models: Path
) -> None:
    stream.start(api.url)
    at, values = readings(PROFILE, 360, seed=42)
    for i in range(0, 360, 20):
        stream.publish(batch(PROFILE, "new", at[i : i + 20].tolist(), values[i : i + 20]), device="new")
    stream.wait_settled(360)
    decisions = [p.decision for p in stream.decisions()]
    own = [d for d in decisions if d.calibration == "device"]
    assert decisions[0].calibration == "fleet"
    assert len(own) > 10
    kept = stream.store.read_aside("calibrations", "tiny", "new")[0]
    assert kept is not None
    detector = detectors.load(models / "tiny")
    (document,) = TypeAdapter(list[CalibrationDocument]).validate_json(kept)
    calibration = decode(PROFILE, document)
    assert calibration.windows >= FEWEST_WINDOWS
    cut = windows.cut(PROFILE, grid.on_grid(PROFILE, grid.slots(PROFILE, at), values))
    scored = detector.score(cut, calibration).score
    expected = dict(zip(cut.ends.tolist(), scored.tolist(), strict=True))
    found = [d.score for d in own]
    np.testing.assert_allclose(found, [expected[int(d.window_end.timestamp())] for d in own], rtol=1e-5)


def test_a_sweep_finds_the_device_that_stopped(stream: Stream, contract: ContractApi, contract_url: str) -> None:
    contract.profiles["tiny"] = PROFILE.model_copy(update={"stream": Settings(silent_after_s=1)})
    function = stream.start(contract_url)
    assert httpx.post(f"{function.url}/sweep").json() == {}
    stream.publish(batch(PROFILE, "d-1", times(0, 14), (50, 5)))
    stream.wait_settled(14)
    found = wait_for(lambda: httpx.post(f"{function.url}/sweep").json())
    assert found == {"silent": 1}
    assert stream.store.totals().pending == 0
    (notice,) = stream.notices()
    assert notice.attributes["incident_state"] == "opened"
    (line,) = (line for line in function.lines if line["message"] == "incident opened")
    assert (line["kind"], line["device_id"]) == ("silent", "d-1")
    # a part that does not answer is told to Cloud Scheduler
    contract.faults = [503] * 4
    assert httpx.post(f"{function.url}/sweep", timeout=30).status_code == 503


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"K_SERVICE": "function"}, "set STORE=firestore:<database>"),
        ({"STORE": "firestore:"}, "environment variable STORE is 'firestore:'"),
        ({"API_URL": ""}, "environment variable API_URL is not set"),
        ({"API_TIMEOUT_S": "soon"}, "environment variable API_TIMEOUT_S is 'soon'"),
    ],
)
def test_it_does_not_start_without_what_it_needs(stream: Stream, change: Mapping[str, str], said: str) -> None:
    function = start_function(stream.folder, {**stream.environ, "API_URL": "http://127.0.0.1:9", **change})
    try:
        assert function.process.wait(30) != 0
        assert said in function.output
    finally:
        function.kill()


def test_without_credentials_it_says_so_and_acknowledges_nothing(stream: Stream) -> None:
    nowhere = {"PUBSUB_EMULATOR_HOST": "", "GOOGLE_APPLICATION_CREDENTIALS": str(stream.folder / "none.json")}
    function = stream.start("http://127.0.0.1:9", **nowhere)
    body = push_body(batch(PROFILE, "d-1", times(0, 13), (50, 5)), "m-1", TINY)
    assert httpx.post(function.url, content=body, timeout=30).status_code == 500
    (line,) = (line for line in function.lines if line["severity"] == "ERROR")
    assert "none.json" in line["stack_trace"]


def test_it_starts_from_the_archive_that_the_cloud_gets(
    stream: Stream, contract_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = tmp_path_factory.mktemp("archive")
    without = ignore_patterns("__pycache__", "training")
    copytree(ROOT / "functions", archive / "functions", ignore=without)
    copytree(ROOT / "src" / "aiot_anomaly", archive / "aiot_anomaly", ignore=without)
    copy(ROOT / "functions" / "main.py", archive / "main.py")
    environ = {**stream.environ, "API_URL": contract_url}
    function = start_function(stream.folder, environ, port=stream.port, source=archive / "main.py")
    try:
        function.wait_ready()
        stream.publish(batch(PROFILE, "d-1", times(0, 13), (50, 5)))
        stream.wait_settled(13)
    finally:
        function.kill()


def test_it_carries_nothing_that_its_requirements_do_not_name() -> None:
    heavy = "{'onnxruntime', 'pandas', 'tensorflow', 'keras', 'mlflow', 'yaml', 'fastapi'}"
    # what only one store needs costs nothing where the other is used
    heavy = f"{heavy[:-1]}, 'google.cloud.firestore'}}"
    check = f"import sys, functions.service; found = {heavy} & sys.modules.keys(); assert not found, found"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True, timeout=60)
