"""The image, built from its Dockerfile and started: what is deployed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from aiot_anomaly.bundle import Golden
from aiot_anomaly.windows import as_datetime

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "serving" / "models"
TAG = "aiot-anomaly-serving-test"
BILL = ROOT / "reports" / "serving.cdx.json"

#: with a cold cache the packages come over the network, and the other tests run beside it
pytestmark = pytest.mark.timeout(900)


def _builder() -> str:
    named = os.environ.get("IMAGE_BUILDER")
    if named:
        return named
    engine = shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False)
    if engine and engine.returncode == 0:
        return "docker"
    message = "no container engine runs here and IMAGE_BUILDER names no builder, so no image can be built"
    if os.environ.get("AIOT_REQUIRE_IMAGE"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def built() -> tuple[str, str]:
    """The builder, and what building the image said."""
    builder = _builder()
    if not (ROOT / ".venv" / "checks" / "bin" / "cyclonedx-py").exists():
        pytest.skip("the tools of `make check` are not set up, and one of them writes the bill of materials")
    made = subprocess.run(
        [ROOT / "scripts" / "image.sh", TAG],
        env={**os.environ, "IMAGE_BUILDER": builder},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-3_000:] + made.stderr[-3_000:]
    return builder, made.stdout


@pytest.fixture(scope="module")
def container(built: tuple[str, str]) -> Iterator[str]:
    """Where the image, started as it is deployed, listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = (
        ["docker", "run", "--rm", "--read-only", "--network", "host", "--env", f"PORT={port}", TAG]
        if built[0] == "docker"
        else [built[0], "run", TAG, f"PORT={port}"]
    )
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    try:
        while True:
            try:
                if httpx.get(f"{url}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()[0].decode()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def test_it_has_at_most_300_mb_above_its_base(built):
    found = re.search(r"^image \S+: (\d+) MB above \S+ \(at most 300\)", built[1], re.MULTILINE)
    assert found, built[1][-1_000:]
    assert 50 < int(found[1]) <= 300


def test_each_bundle_gave_its_golden_scores_while_it_was_built(built):
    for manifest in MODELS.glob("*/bundle.json"):
        version = json.loads(manifest.read_text())["version"]
        assert f"{manifest.parent.name} {version}: golden scores hold" in built[1]


def test_it_serves_the_models_of_its_label_and_predicts(container):
    label = subprocess.run(
        [ROOT / "scripts" / "model-versions.sh"], capture_output=True, text=True, check=True
    ).stdout.strip()
    served: dict[str, str] = httpx.get(f"{container}/health/ready").json()["models"]
    assert ",".join(f"{name}={version}" for name, version in sorted(served.items())) == label
    for name in served:
        golden = Golden.model_validate_json((MODELS / name / "golden.json").read_text())
        instances = [
            {"device_id": "no-such-device", "window_end": as_datetime(end).isoformat(), "values": values}
            for end, values in zip(golden.ends, golden.values, strict=True)
        ]
        answer = httpx.post(f"{container}/v1/models/{name}:predict", json={"instances": instances}).json()
        np.testing.assert_allclose([p["score"] for p in answer["predictions"]], golden.scores, rtol=1e-3)


def test_it_does_not_run_as_root(container):
    port = f"{httpx.URL(container).port:04X}"
    owners = {
        line.split()[7]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port}") and line.split()[3] == "0A"  # it listens
    }
    assert owners == {"10001"}


def test_the_bill_of_materials_names_what_is_installed(built):
    bill = json.loads(BILL.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    locked = re.findall(
        r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / "serving" / "requirements.txt").read_text(), re.MULTILINE
    )
    assert {(c["name"], c["version"]) for c in bill["components"]} == set(locked)
    assert not {"tensorflow", "keras", "mlflow", "pandas"} & {c["name"] for c in bill["components"]}
