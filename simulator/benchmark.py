"""How fast the simulator publishes, against a bare loop that sends the same messages to the same Pub/Sub.

`python -m simulator.benchmark` starts an emulator, unless PUBSUB_EMULATOR_HOST names one. Each round has both, in turn
first, and the ratio is the median of the rounds': what else the machine does slows both of a round, and the median
leaves out the rounds in which it slowed one. The bare loop has the finished messages in memory and does nothing but
publish them, with the same settings of the client, and wait for the confirmations: what it is faster by is the
simulator's own work, from recording to message. The CPU time of the process stands beside the rates, as it depends less
on the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import numpy as np
from google.api_core.exceptions import AlreadyExists
from google.cloud import pubsub_v1

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import attributes
from aiot_anomaly.profile import Profile
from simulator import outgoing
from simulator.publisher import publish
from simulator.sinks import BULK_S, PubSubSink, publisher_client

PROJECT, TOPIC = "simulator-benchmark", "readings"
#: 2026-02-02T00:00:00Z
_START = 1_769_990_400
_DEVICES, _INTERVAL_S = 20, 900


def main(argv: Sequence[str] | None = None) -> int:
    """Prints both rates, their CPU time and the ratio; returns 1 where the ratio is below `--least`."""
    parser = argparse.ArgumentParser(prog="python -m simulator.benchmark", description=__doc__)
    parser.add_argument("--messages", type=int, default=8_000, metavar="N", help="in each round (default: 8000)")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="of both (default: 9)")
    parser.add_argument("--least", type=float, default=0.0, metavar="SHARE", help="fail below it, e.g. 0.8")
    args = parser.parse_args(argv)
    if args.messages < _DEVICES or args.rounds < 1:
        sys.stderr.write(f"benchmark: expected {_DEVICES} messages and one round at least\n")
        return 1
    with _emulator() as kind:
        rounds = compare(args.messages, args.rounds)
    ratio = median(simulator.rate / loop.rate for loop, simulator in rounds)
    sys.stdout.write(f"Pub/Sub              {kind}\n")
    for name, runs in zip(("bare publisher loop", "simulator"), zip(*rounds, strict=True), strict=True):
        rate, cpu = median(run.rate for run in runs), median(run.cpu_us for run in runs)
        sys.stdout.write(f"{name:20} {rate:8.0f} messages/s   {cpu:4.0f} µs CPU a message\n")
    sys.stdout.write(f"ratio of the rates   {ratio:8.2f}\n")
    return 1 if ratio < args.least else 0


class Run(NamedTuple):
    """How long it took to publish the messages.

    Attributes:
        rate: messages a second.
        cpu_us: CPU time of this process a message, in microseconds.
    """

    rate: float
    cpu_us: float


def compare(messages: int, rounds: int) -> list[tuple[Run, Run]]:
    """The bare loop and the simulator, in each round."""
    _create_topic()
    profile = profile_store.load("leak")
    fleet = recordings(messages // _DEVICES)
    runs = []
    for k in range(rounds):
        # in turn, as neither should always follow the other's work for the emulator
        first, second = (bare, simulated) if k % 2 == 0 else (simulated, bare)
        pair = first(fleet, profile), second(fleet, profile)
        runs.append(pair if k % 2 == 0 else pair[::-1])
    return runs


def recordings(rows: int) -> list[Recording]:
    """A fleet of noise, `rows` readings a device: what is measured is how it is sent."""
    times = _START + _INTERVAL_S * np.arange(rows, dtype=np.int64)
    rng = np.random.default_rng(0)
    return [
        Recording(f"dma-{k:02}", times, np.round(rng.uniform(10, 60, (rows, 6)), 2)) for k in range(1, _DEVICES + 1)
    ]


def simulated(fleet: Sequence[Recording], profile: Profile) -> Run:
    """The simulator, one reading a message."""
    stop = _clock()
    sent = publish(fleet, profile, PubSubSink(PROJECT, TOPIC, hold_s=BULK_S))
    return stop(sent.messages)


def bare(fleet: Sequence[Recording], profile: Profile) -> Run:
    """A loop around the client library, with the same settings, keys, bodies and attributes."""
    messages = list(outgoing.in_time_order(fleet, profile.sensor_names, 1))
    common = attributes(profile.name)
    stop = _clock()
    client = publisher_client(BULK_S)
    topic = client.topic_path(PROJECT, TOPIC)
    pending = [
        client.publish(topic, m.data, ordering_key=m.device_id, sent_at=f"{time.time():.6f}", **common)
        for m in messages
    ]
    for future in pending:
        future.result(timeout=60)
    run = stop(len(messages))
    client.stop()
    client.transport.close()
    return run


def _clock() -> Callable[[int], Run]:
    begin, cpu = time.perf_counter(), time.process_time()
    return lambda messages: Run(messages / (time.perf_counter() - begin), 1e6 * (time.process_time() - cpu) / messages)


@contextmanager
def _emulator() -> Iterator[str]:
    given = os.environ.get("PUBSUB_EMULATOR_HOST")
    if given:
        yield given
        return
    # only here: the simulator itself runs without the local stack
    from local.pubsub import emulator  # noqa: PLC0415 - see above

    with emulator.running() as started:
        os.environ["PUBSUB_EMULATOR_HOST"] = started.address
        try:
            yield f"{started.kind} emulator"
        finally:
            del os.environ["PUBSUB_EMULATOR_HOST"]


def _create_topic() -> None:
    with pubsub_v1.PublisherClient() as client:
        try:
            client.create_topic(name=client.topic_path(PROJECT, TOPIC))
        except AlreadyExists:
            return


if __name__ == "__main__":
    sys.exit(main())
