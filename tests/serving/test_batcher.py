"""Micro-batches: who is grouped with whom, and that each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from aiot_anomaly.inference import Scores
from aiot_anomaly.windows import Windows
from serving.batcher import Batcher
from serving.instances import PART, Instances
from serving.metrics import Metrics
from serving.overload import Load, OverloadedError
from tests.support.tiny_bundle import normal_windows


class Watched:
    """The real detector, which also says how many windows each run had and in which thread, and may be held up."""

    def __init__(self, detector) -> None:
        self._detector = detector
        self.bundle, self.profile = detector.bundle, detector.profile
        self.runs: list[int] = []
        self.threads: set[str] = set()
        self.may_run = threading.Event()
        self.may_run.set()
        self.fails = False

    def score(self, windows: Windows, calibrations, factors=1.0) -> Scores:
        assert self.may_run.wait(10)
        if self.fails:
            raise RuntimeError("the runtime failed")
        self.runs.append(len(windows))
        self.threads.add(threading.current_thread().name)
        return self._detector.score(windows, calibrations, factors)


@pytest.fixture
def detector(tiny):
    return Watched(tiny)


@pytest.fixture
def load():
    return Load(most_wait_s=60)


@pytest.fixture
def made(detector, load):
    """Makes a batcher."""
    metrics = Metrics()
    metrics.served(detector.profile.name, detector.bundle.version)
    with ThreadPoolExecutor(1, thread_name_prefix="inference") as executor:

        def make(threads: int = 2) -> Batcher:
            found = Batcher(detector, executor, metrics, load, threads)
            detector.runs.clear()
            detector.threads.clear()
            return found

        yield make


@pytest.fixture
def batcher(made):
    return made()


@pytest.fixture
def threaded(made, monkeypatch):
    """One whose every batch runs in a thread."""
    monkeypatch.setattr("serving.batcher.INLINE_S", 0.0)
    return made()


def parts(tiny, *sizes: int) -> list[Instances]:
    """Windows of several devices, each part with a calibration and a factor of its own."""
    normal = normal_windows(tiny.profile, seed=3)
    found, at = [], 0
    for i, size in enumerate(sizes):
        which = (at + np.arange(size)) % len(normal)
        # as the reader gives them: without their readings, so nothing is known of what was filled
        chosen = replace(normal.only(which), filled=None)
        own = replace(tiny.bundle.fleet, score_scale=tiny.bundle.fleet.score_scale * (1 + i))
        factors = np.full(size, 1.0 + i / 10)
        found.append(Instances(["d"] * size, chosen, [own] * size, ["device"] * size, factors, [True] * size))
        at += size
    return found


def later(seconds: float = 60.0) -> float:
    return time.monotonic() + seconds


def test_what_comes_at_once_is_scored_together_and_each_gets_its_own(batcher, detector, tiny):
    given = parts(tiny, 1, 3, 1, 8)

    async def ask():
        return await asyncio.gather(*(batcher.score(p, later()) for p in given))

    found = asyncio.run(ask())
    assert detector.runs == [13]
    for part, scores in zip(given, found, strict=True):
        alone = tiny.score(part.windows, part.calibrations, part.factors)
        for name, expected in alone._asdict().items():
            np.testing.assert_allclose(getattr(scores, name), expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_an_idle_model_answers_at_once_and_without_a_thread(batcher, detector, tiny):
    async def ask():
        for part in parts(tiny, 1, 1, 1):
            await batcher.score(part, later())

    asyncio.run(ask())
    assert detector.runs == [1, 1, 1]
    assert detector.threads == {threading.main_thread().name}


def test_batches_are_bounded_and_nothing_is_left_behind(batcher, load, detector, tiny):
    sizes = [PART, 40, 30, 1, PART, 5]

    async def ask():
        return await asyncio.gather(*(batcher.score(p, later()) for p in parts(tiny, *sizes)))

    assert [len(s.score) for s in asyncio.run(ask())] == sizes
    assert max(detector.runs) <= PART
    assert sum(detector.runs) == sum(sizes)
    assert load.wait_s() == 0


def test_what_takes_long_runs_in_a_thread_and_the_next_batch_gathers_meanwhile(threaded, load, detector, tiny):
    detector.may_run.clear()

    async def ask():
        first, *others = (asyncio.create_task(threaded.score(p, later())) for p in parts(tiny, 1, 2, 3))
        await asyncio.sleep(0)
        # the event loop is free while the graph is held up
        for _ in range(50):
            await asyncio.sleep(0.001)
        more = [asyncio.create_task(threaded.score(p, later())) for p in parts(tiny, 4, 5)]
        await asyncio.sleep(0.01)
        assert not first.done()
        assert load.wait_s() > 0
        detector.may_run.set()
        await asyncio.gather(first, *others, *more)

    asyncio.run(ask())
    assert detector.runs == [6, 9]
    assert all(name.startswith("inference") for name in detector.threads)


@pytest.mark.parametrize(
    ("cores", "threads", "thread"), [(1, 2, "MainThread"), (2, 1, "MainThread"), (2, 2, "inference_0")]
)
def test_a_large_batch_is_handed_to_a_thread_where_there_is_a_core_for_it(
    made, detector, tiny, monkeypatch, cores, threads, thread
):
    monkeypatch.setattr("serving.batcher._cores", lambda: cores)
    monkeypatch.setattr(Batcher, "_seconds", lambda _self, windows: 0.0001 * len(windows))
    batcher = made(threads)

    async def ask():
        await batcher.score(parts(tiny, PART)[0], later())

    asyncio.run(ask())
    assert detector.threads == {thread}


def test_a_request_whose_time_is_over_is_refused_without_being_scored(batcher, detector, tiny):
    async def ask():
        late, good = parts(tiny, 2, 3)
        return await asyncio.gather(
            batcher.score(late, later(-0.001)), batcher.score(good, later()), return_exceptions=True
        )

    refused, answered = asyncio.run(ask())
    assert isinstance(refused, OverloadedError)
    assert refused.headers["Retry-After"] == "1"
    assert len(answered.score) == 3
    assert detector.runs == [3]


def test_who_would_wait_too_long_is_refused_at_the_door(threaded, load, detector, tiny):

    async def ask():
        threaded.admit(1e-9)
        await threaded.score(parts(tiny, PART)[0], later())
        detector.may_run.clear()
        tasks = [asyncio.create_task(threaded.score(p, later())) for p in parts(tiny, *[PART] * 4)]
        await asyncio.sleep(0.01)
        wait = load.wait_s()
        threaded.admit(wait * 2)
        with pytest.raises(OverloadedError, match="the wait is about"):
            threaded.admit(wait / 2)
        detector.may_run.set()
        await asyncio.gather(*tasks)
        threaded.admit(1e-9)

    asyncio.run(ask())


def test_a_failure_of_the_runtime_is_told_to_each_and_the_next_are_answered(batcher, detector, tiny):
    async def ask():
        detector.fails = True
        found = await asyncio.gather(*(batcher.score(p, later()) for p in parts(tiny, 1, 2)), return_exceptions=True)
        detector.fails = False
        return found, await batcher.score(parts(tiny, 1)[0], later())

    failed, answered = asyncio.run(ask())
    assert [str(e) for e in failed] == ["the runtime failed"] * 2
    assert len(answered.score) == 1


def test_what_it_expects_to_wait_follows_what_answers_took(threaded, load, detector, tiny):

    async def ask() -> float:
        for part in parts(tiny, *[4] * 20):
            detector.may_run.clear()
            task = asyncio.create_task(threaded.score(part, later()))
            await asyncio.sleep(0.02)
            detector.may_run.set()
            await task
        detector.may_run.clear()
        tasks = [asyncio.create_task(threaded.score(p, later())) for p in parts(tiny, 4, 4, 4)]
        await asyncio.sleep(0.001)
        wait = load.wait_s()
        detector.may_run.set()
        await asyncio.gather(*tasks)
        return wait

    begin = time.monotonic()
    wait = asyncio.run(ask())
    # one took 20 ms, so three take about 60; more on a busy machine, but not more than all of it took
    assert 0.05 < wait < time.monotonic() - begin
