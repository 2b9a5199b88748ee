"""How fast the simulator publishes, against a bare loop that sends the same messages to the same Pub/Sub.

`python -m simulator.benchmark` starts an emulator, unless PUBSUB_EMULATOR_HOST names one. Rounds of both alternate and
the fastest of each are compared: what else the machine does can only slow a round down. The bare loop has the finished
messages in memory and does nothing but publish them, with the same settings of the client, and wait for the
confirmations: what it is faster by is the simulator's own work, from recording to message.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
    """Prints both rates and their ratio; returns 1 where the ratio is below `--least`."""
    parser = argparse.ArgumentParser(prog="python -m simulator.benchmark", description=__doc__)
    parser.add_argument("--messages", type=int, default=4_000, metavar="N", help="in each round (default: 4000)")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="of each (default: 10)")
    parser.add_argument("--least", type=float, default=0.0, metavar="SHARE", help="fail below it, e.g. 0.8")
    args = parser.parse_args(argv)
    if args.messages < _DEVICES or args.rounds < 1:
        sys.stderr.write(f"benchmark: expected {_DEVICES} messages and one round at least\n")
        return 1
    with _emulator() as kind:
        loop, ours = compare(args.messages, args.rounds)
    sys.stdout.write(
        f"Pub/Sub              {kind}\n"
        f"bare publisher loop  {loop:8.0f} messages/s\n"
        f"simulator            {ours:8.0f} messages/s\n"
        f"ratio                {ours / loop:8.2f}\n"
    )
    return 1 if ours / loop < args.least else 0


def compare(messages: int, rounds: int) -> tuple[float, float]:
    """Messages a second of the bare loop and of the simulator, the fastest round of each."""
    _create_topic()
    profile = profile_store.load("leak")
    fleet = recordings(messages // _DEVICES)
    rates = [(bare(fleet, profile), simulated(fleet, profile)) for _ in range(rounds)]
    return max(loop for loop, _ in rates), max(ours for _, ours in rates)


def recordings(rows: int) -> list[Recording]:
    """A fleet of noise, `rows` readings a device: what is measured is how it is sent."""
    times = _START + _INTERVAL_S * np.arange(rows, dtype=np.int64)
    rng = np.random.default_rng(0)
    return [
        Recording(f"dma-{k:02}", times, np.round(rng.uniform(10, 60, (rows, 6)), 2)) for k in range(1, _DEVICES + 1)
    ]


def simulated(fleet: Sequence[Recording], profile: Profile) -> float:
    """Messages a second of the simulator, one reading each."""
    begin = time.perf_counter()
    sent = publish(fleet, profile, PubSubSink(PROJECT, TOPIC, hold_s=BULK_S))
    return sent.messages / (time.perf_counter() - begin)


def bare(fleet: Sequence[Recording], profile: Profile) -> float:
    """Messages a second of a loop around the client library, with the same settings, keys, bodies and attributes."""
    messages = list(outgoing.in_time_order(fleet, profile.sensor_names, 1))
    common = attributes(profile.name)
    begin = time.perf_counter()
    client = publisher_client(BULK_S)
    topic = client.topic_path(PROJECT, TOPIC)
    pending = [
        client.publish(topic, m.data, ordering_key=m.device_id, sent_at=f"{time.time():.6f}", **common)
        for m in messages
    ]
    for future in pending:
        future.result(timeout=60)
    rate = len(messages) / (time.perf_counter() - begin)
    client.stop()
    return rate


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
