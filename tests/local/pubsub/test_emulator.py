from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from local import cloud_sdk
from local.pubsub import emulator
from local.pubsub.errors import EmulatorMissingError, NotReadyError

JAR = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-0.0.1-all.jar"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH and a Cloud SDK in none of the usual places."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CLOUDSDK_ROOT_DIR", raising=False)
    monkeypatch.delenv("PUBSUB_EMULATOR_JAR", raising=False)
    monkeypatch.setattr(cloud_sdk, "_USUAL_ROOTS", ())
    return tmp_path


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def make_jar(root: Path) -> Path:
    jar = root / JAR
    jar.parent.mkdir(parents=True)
    jar.touch()
    return jar


def test_without_java_and_gcloud_there_is_no_official_emulator(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert emulator.find_official() is None
    assert emulator.command("auto", "127.0.0.1", 8085)[0] == "embedded"


def test_the_jar_is_found_beside_the_gcloud_on_path(machine):
    java = make_program(machine / "bin/java")
    jar = make_jar(machine / "sdk")
    make_program(machine / "sdk/bin/gcloud")
    (machine / "bin/gcloud").symlink_to(machine / "sdk/bin/gcloud")

    assert emulator.find_official() == [str(java), "-jar", str(jar)]
    kind, argv = emulator.command("auto", "127.0.0.1", 8085)
    assert kind == "official"
    assert argv[-2:] == ["--host=127.0.0.1", "--port=8085"]
    assert emulator.command("embedded", "127.0.0.1", 8085)[0] == "embedded"


@pytest.mark.parametrize("variable", ["CLOUDSDK_ROOT_DIR", "PUBSUB_EMULATOR_JAR"])
def test_the_jar_is_found_where_the_environment_says(machine, monkeypatch, variable):
    java = make_program(machine / "bin/java")
    jar = make_jar(machine / "sdk")
    monkeypatch.setenv(variable, str(machine / "sdk" if variable == "CLOUDSDK_ROOT_DIR" else jar))

    assert emulator.find_official() == [str(java), "-jar", str(jar)]


def test_asking_for_a_missing_official_emulator_says_what_was_looked_for(machine, monkeypatch):
    with pytest.raises(EmulatorMissingError, match="no `java` on PATH"):
        emulator.command("official", "127.0.0.1", 8085)
    make_program(machine / "bin/java")
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", str(machine / "elsewhere"))
    with pytest.raises(EmulatorMissingError, match=r"cloud-pubsub-emulator-.*elsewhere"):
        emulator.command("official", "127.0.0.1", 8085)
    monkeypatch.setenv("PUBSUB_EMULATOR_JAR", str(machine / "none.jar"))
    with pytest.raises(EmulatorMissingError, match=r"none\.jar"):
        emulator.command("official", "127.0.0.1", 8085)


def test_a_server_that_does_not_come_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(emulator, "command", lambda *_: ("embedded", [sys.executable, "-c", "print('no')"]))
    log = tmp_path / "server.log"
    with pytest.raises(NotReadyError, match=r"exit status 0; see .*server\.log"), emulator.running(log=log, timeout=1):
        pass
    assert log.read_text() == "no\n"


def test_the_server_is_gone_when_its_context_ends(tmp_path):
    with emulator.running("embedded", log=tmp_path / "log") as server:
        assert server.address == f"127.0.0.1:{server.port}"
        os.kill(server.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_listens_and_stops_cleanly(signal_number):
    _, argv = emulator.command("embedded", "127.0.0.1", 0)
    with subprocess.Popen(argv, cwd=emulator.REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        emulator.wait_ready("127.0.0.1", int(line.rpartition(":")[2]))
        process.send_signal(signal_number)
        assert process.wait(10) == 0
    assert line.startswith("Pub/Sub listens: PUBSUB_EMULATOR_HOST=127.0.0.1:")


def test_an_open_stream_does_not_hold_up_the_end(tmp_path, monkeypatch):
    topic, subscription = "projects/end/topics/topic", "projects/end/subscriptions/sub"
    with emulator.running("embedded", log=tmp_path / "log") as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        with SubscriberClient() as subscriber, PublisherClient() as publisher:
            publisher.create_topic(name=topic)
            subscriber.create_subscription(name=subscription, topic=topic)
            arrived = threading.Event()
            stream = subscriber.subscribe(subscription, lambda message: arrived.set())
            publisher.publish(topic, b"reading").result(10)
            assert arrived.wait(10)
            os.kill(server.pid, signal.SIGTERM)
            assert os.waitpid(server.pid, 0)[1] == 0
            # only the server's end is the subject: a client that loses its server may take its time
            stream.cancel()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_port_that_is_taken_is_an_error(embedded_server):
    _, argv = emulator.command("embedded", "127.0.0.1", embedded_server.port)
    done = subprocess.run(argv, cwd=emulator.REPOSITORY, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{embedded_server.port}" in done.stderr
