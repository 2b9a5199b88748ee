"""One run: publish everything, disrupt what is to be disrupted, wait until all is decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from functions.errors import StoreUnavailableError
from functions.store import Totals, WindowStore
from local.chaos import parts, witness
from local.chaos.disruptions import Disruption
from local.chaos.parts import Parts
from local.chaos.stores import Store
from local.chaos.traffic import Traffic
from local.chaos.witness import Witness
from local.errors import StackError
from local.pubsub import resources
from local.stack import HOST
from simulator.outgoing import Outgoing
from simulator.sinks import BULK_S, PubSubSink

#: retries come quickly, so that a run is not spent waiting for them
_MIN_RETRY_S, _MAX_RETRY_S = 0.1, 1.0
#: the least that Pub/Sub allows
_ACK_DEADLINE_S = 10
#: after the last outcome: whatever is delivered again comes within this
_GRACE_S = 2.5
#: without anything new for so long, a run has failed
STALLED_AFTER_S = 120.0

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Ran:
    """What a run led to.

    Attributes:
        witness: what came out of Pub/Sub.
        totals: what the store counted.
        lives: of the function and of the API; one more than the times that they were started again.
        seconds: from the first message to the last outcome.
    """

    witness: Witness
    totals: Totals
    lives: tuple[int, int]
    seconds: float


def run(
    project: str,
    traffic: Traffic,
    store: Store,
    *,
    pubsub: str,
    models: Path,
    folder: Path,
    plan: Sequence[Disruption] = (),
    expected: int = 0,
    progress: Progress = lambda _: None,
) -> Ran:
    """Sends the traffic through a function and an API of its own.

    Args:
        project: of its topics; no other run's.
        traffic: what is published.
        store: the function's.
        pubsub: address of Pub/Sub.
        models: the API's bundles.
        folder: for logs.
        plan: what goes wrong meanwhile.
        expected: decisions that are to come; the moments of the plan are shares of it.
        progress: told how many readings have an outcome.

    Raises:
        StackError: a part did not start, or nothing came any more.
    """
    ports = parts.steady_ports()
    environment = {"PROJECT": project, "PUBSUB_EMULATOR_HOST": pubsub, **store.environment}
    folder.mkdir(parents=True)
    resources.create(
        project,
        f"http://{HOST}:{ports[0]}",
        ack_deadline_s=_ACK_DEADLINE_S,
        min_retry_s=_MIN_RETRY_S,
        max_retry_s=_MAX_RETRY_S,
    )
    with parts.running(folder, models, environment, ports) as running, witness.watching(project) as seen:
        opened = store.opened()
        try:
            begin = time.monotonic()
            _publish(project, traffic)
            watch = _Watch(running, seen, opened, traffic, progress)
            for disruption in plan:
                watch.until_decided(disruption.at * expected)
                time.sleep(disruption.after_s)
                _disrupt(disruption, running, store)
            watch.until(watch.settled)
            seconds = time.monotonic() - begin
            watch.rest(_GRACE_S)
            return Ran(seen, opened.totals(), (running.function.lives, running.api.lives), seconds)
        finally:
            opened.close()


def _publish(project: str, traffic: Traffic) -> None:
    sink = PubSubSink(project, resources.READINGS, hold_s=BULK_S)
    for m in traffic.messages:
        sink.send(Outgoing(m.device, m.data, m.rows, "reading", 0), m.attributes)
    sink.close()


def _disrupt(disruption: Disruption, running: Parts, store: Store) -> None:
    kind, function, api = disruption.kind, running.function, running.api
    if kind in {"store", "store's writes"}:
        with store.away(reads=kind == "store"):
            time.sleep(disruption.lasts_s)
        return
    if kind == "function while the store is away":
        with store.away(reads=True):
            time.sleep(disruption.lasts_s / 2)
            function.kill()
            time.sleep(disruption.lasts_s / 2)
            # what starts without its store ends by itself, and is started again later
            function.start()
            time.sleep(disruption.lasts_s / 2)
        return
    killed = [part for part in (function, api) if part.name in kind]
    for part in killed:
        part.kill()
    time.sleep(disruption.lasts_s)
    for part in killed:
        part.start()


class _Watch:
    """Waits, keeps the parts alive meanwhile, and gives up where nothing moves."""

    def __init__(self, running: Parts, seen: Witness, store: WindowStore, traffic: Traffic, progress: Progress) -> None:
        self._running = running
        self._seen = seen
        self._store = store
        self._traffic = traffic
        self._progress = progress
        self._totals: Totals | None = None
        self._looked = 0.0
        self._moved = (-1, time.monotonic())

    def until(self, done: Callable[[], bool]) -> None:
        """Waits until it is."""
        while not done():
            self._look()
            time.sleep(0.02)

    def until_decided(self, number: float) -> None:
        """Waits until so many decisions have come."""
        self.until(lambda: len(self._seen.decisions.contents) >= number)

    def settled(self) -> bool:
        """Every reading has its outcome, every poison is parked, and what follows from them has come."""
        totals = self._totals
        return (
            totals is not None
            and totals.readings + totals.pending >= self._traffic.rows
            and totals.parked_messages >= self._traffic.spoilt
            and len(self._seen.parked) >= self._traffic.spoilt
            and len(self._seen.decisions.contents) >= totals.outcomes["decided"]
        )

    def rest(self, seconds: float) -> None:
        """Waits until nothing has come for so long."""
        quiet = self._arrived(), time.monotonic()
        while time.monotonic() - quiet[1] < seconds:
            self._look()
            if self._arrived() != quiet[0]:
                quiet = self._arrived(), time.monotonic()
            time.sleep(0.1)

    def _arrived(self) -> int:
        seen = self._seen
        return seen.decisions.times.total() + seen.notices.times.total() + seen.parked_messages + seen.dead

    def _look(self) -> None:
        self._running.revive()
        now = time.monotonic()
        if now - self._looked < 0.5:
            return
        self._looked = now
        try:
            self._totals = self._store.totals()
        except StoreUnavailableError:
            return
        self._progress(self._totals.readings)
        moved = self._totals.readings + self._totals.parked_messages + self._arrived()
        if moved != self._moved[0]:
            self._moved = moved, now
        if now - self._moved[1] > STALLED_AFTER_S:
            totals, seen = self._totals, self._seen
            raise StackError(
                f"nothing new for {STALLED_AFTER_S:.0f} s: {totals.readings:,} of {self._traffic.rows:,} readings have "
                f"an outcome, {len(seen.decisions.contents):,} decisions and {seen.dead} dead letters came; the logs "
                f"are beside {self._running.function.log}"
            )
