"""The command line, in a process of its own where signals matter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from aiot_anomaly import paths
from delivery.__main__ import ENDPOINT_VARIABLE, main
from delivery.rollout import CANDIDATE
from local.cloud_run.load import Load


@pytest.fixture
def endpoint(stand_in, monkeypatch):
    monkeypatch.setenv(ENDPOINT_VARIABLE, stand_in.endpoint)


def test_smoke_ends_with_0_or_1(served, models, capsys):
    assert main(["smoke", served.url, "--models", str(models.first)]) == 0
    assert main(["smoke", served.url, "--models", str(models.better)]) == 1
    assert "expected better" in capsys.readouterr().out


def test_rollout_revisions_and_rollback(placeholder, models, endpoint, capsys):
    push = placeholder.stand_in.registry.push
    for folder, commit in ((models.first, "a" * 40), (models.better, "b" * 40)):
        options = ["--image", push(folder), "--commit", commit, "--models", str(folder), "--watch", "0", "--delay", "0"]
        assert main(["rollout", *placeholder.options, *options]) == 0
    assert main(["revisions", *placeholder.options]) == 0
    listed = capsys.readouterr().out
    assert "skab@better" in listed
    assert "bbbbbbbbbbbb" in listed
    assert "previous" in listed
    assert main(["rollback", *placeholder.options]) == 0
    assert f"git checkout {'a' * 40} -- serving/models/skab" in capsys.readouterr().out
    assert main(["rollback", *placeholder.options, "--unfinished"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_an_error_is_one_line(stand_in, endpoint, capsys):
    options = ["--project", "p", "--region", "r", "--service", "no-such"]
    assert main(["revisions", *options]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: projects/p/locations/r/services/no-such was not found")
    assert told.err.count("\n") == 1


def test_a_policy_that_cannot_be_is_wrong_usage(served, models, endpoint, capsys):
    image = ["--image", served.stand_in.registry.push(models.first), "--models", str(models.first)]
    assert main(["rollout", *served.options, *image, "--percent", "100"]) == 2
    assert capsys.readouterr().err == "error: percent: Input should be less than or equal to 99, found 100\n"


class Running:
    """`python -m delivery rollout` in a process, stopped at a line of its output."""

    def __init__(self, api, models, *, until: str) -> None:
        image = api.stand_in.registry.push(models.better)
        command = [sys.executable, "-u", "-m", "delivery", "rollout", *api.options, "--image", image]
        command += ["--models", str(models.better), "--watch", "60", "--poll", "0.2", "--least-requests", "5"]
        self.process = subprocess.Popen(
            command,
            cwd=paths.root(),
            env={**os.environ, ENDPOINT_VARIABLE: api.stand_in.endpoint},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        stop = threading.Timer(120, self.process.kill)
        stop.start()
        assert self.process.stdout
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if until in line:
                break
        else:
            raise AssertionError("".join(self.lines))
        stop.cancel()

    def end(self, *signals: int) -> tuple[int, str]:
        for number in signals:
            self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out


def test_a_cancelled_job_restores_the_traffic_although_it_is_hurried(delivered, models):
    before = delivered.traffic()
    running = Running(delivered, models, until="watching for")
    assert sorted(delivered.traffic().values()) == [10, 90]
    # as GitHub Actions does, only sooner
    status, out = running.end(signal.SIGINT, signal.SIGTERM)
    assert status == 130, out
    assert "Traceback" not in out
    assert delivered.traffic() == before
    assert CANDIDATE not in delivered.tags()


def test_what_a_killed_job_leaves_is_ended_by_the_next_command_without_a_failed_request(
    delivered, models, endpoint, capsys
):
    before = delivered.traffic()
    from delivery import smoke

    with Load(delivered.url, smoke.load(models.first)[0]) as load:
        status, _ = Running(delivered, models, until="watching for").end(signal.SIGKILL)
        assert status == -signal.SIGKILL
        assert sorted(delivered.traffic().values()) == [10, 90]
        assert main(["rollback", *delivered.options, "--unfinished"]) == 0
        assert delivered.traffic() == before
    assert load.failures == 0


def test_the_next_roll_out_begins_where_a_killed_one_began(delivered, models, endpoint, capsys):
    (before,) = delivered.traffic()
    Running(delivered, models, until="watching for").end(signal.SIGKILL)
    options = ["--image", delivered.stand_in.registry.push(models.better), "--models", str(models.better)]
    assert main(["rollout", *delivered.options, *options, "--watch", "0", "--delay", "0"]) == 0
    said = capsys.readouterr().out
    assert f"an earlier roll-out was cut off; {before} is taken as what serves" in said
    assert before not in delivered.traffic()


@pytest.mark.parametrize("url", ["http://[::1", "127.0.0.1:8080", "ftp://host", "http://"])
def test_what_is_no_url_of_an_api_is_refused_in_one_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", url]) == 1
    assert capsys.readouterr().err.count("\n") == 1
