"""Where messages go: a Pub/Sub topic, or text, a line for each."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from simulator.errors import SimulatorError, named
from simulator.outgoing import Outgoing

#: seconds that a message waits for others of its device. The client's own default is right for a stream that is paced;
#: as fast as it goes, every device has a few messages within it only, and each request costs as much as ten messages
PROMPT_S, BULK_S = 0.01, 0.1


#: what errors call it
STANDARD_OUTPUT = "standard output"

#: messages under way between two looks at what was confirmed: a look at each costs a lock
_LOOK_EVERY = 200


class Sink(Protocol):
    """Takes messages, and tells at the latest when closed that one could not be delivered."""

    def send(self, message: Outgoing, attributes: Mapping[str, str]) -> None:
        """Sends a message, or queues it."""

    def close(self) -> None:
        """Waits until everything is delivered."""


def publisher_client(hold_s: float) -> Any:
    """A Pub/Sub client that keeps the order of a key's messages and blocks where too many are under way.

    Args:
        hold_s: longest time that a message waits for others of its device, to leave in one request with them.

    Raises:
        SimulatorError: there are no credentials, and no emulator is named.
    """
    # only here: the other sinks work without Google's libraries
    from google.cloud import pubsub_v1  # noqa: PLC0415 - see above
    from google.cloud.pubsub_v1 import types  # noqa: PLC0415 - see above

    behaviour = types.LimitExceededBehavior.BLOCK
    flow = types.PublishFlowControl(message_limit=2_000, limit_exceeded_behavior=behaviour)
    options = types.PublisherOptions(enable_message_ordering=True, flow_control=flow)
    try:
        batching = types.BatchSettings(max_latency=hold_s)
        return pubsub_v1.PublisherClient(batch_settings=batching, publisher_options=options)
    except Exception as e:
        raise SimulatorError(
            f"no access to Pub/Sub: {e}. Run `gcloud auth application-default login`, or set PUBSUB_EMULATOR_HOST",
            code="no_credentials",
        ) from e


class PubSubSink:
    """A Pub/Sub topic; the readings of a device keep their order. Honours `PUBSUB_EMULATOR_HOST`.

    Args:
        project: of Google Cloud.
        topic: its short name.
        timeout_s: how long a confirmation may take.
        hold_s: longest time that a message waits for others of its device; `BULK_S` where only the rate matters.

    Raises:
        SimulatorError: there are no credentials, and no emulator is named.
    """

    def __init__(self, project: str, topic: str, *, timeout_s: float = 60.0, hold_s: float = PROMPT_S) -> None:
        self._client = publisher_client(hold_s)
        self._topic = f"projects/{project}/topics/{topic}"
        self._timeout_s = timeout_s
        self._pending: deque[Any] = deque()

    def send(self, message: Outgoing, attributes: Mapping[str, str]) -> None:
        """Queues a message; raises where an earlier one has failed."""
        future = self._client.publish(self._topic, message.data, ordering_key=message.device_id, **attributes)
        self._pending.append(future)
        if len(self._pending) % _LOOK_EVERY == 0:
            while self._pending and self._pending[0].done():
                self._settle(self._pending.popleft())

    def close(self) -> None:
        """Flushes, and waits for the topic to confirm every message."""
        try:
            # first the confirmations: stopping the client cancels what waits behind another message of its key
            while self._pending:
                self._settle(self._pending.popleft())
        finally:
            with suppress(Exception):
                self._client.stop()
                self._client.transport.close()

    def _settle(self, future: Any) -> None:
        try:
            future.result(timeout=self._timeout_s)
        except Exception as e:
            where = os.environ.get("PUBSUB_EMULATOR_HOST", "Google Cloud")
            raise SimulatorError(
                f"{self._topic} on {where} did not take a message: {type(e).__name__}: {e}. Does the topic exist, and "
                f"may you publish to it?",
                code="not_delivered",
            ) from e


class LinesSink:
    """Text: the data of each message on a line of its own."""

    def __init__(self, target: Path | BinaryIO) -> None:
        self._owned = isinstance(target, Path)
        if isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._out: BinaryIO = io.BufferedWriter(io.FileIO(target, "w"))
        else:
            self._out = target
        self._name = str(target) if self._owned else STANDARD_OUTPUT

    def send(self, message: Outgoing, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - a line has no attributes
        """Writes a line; an OSError names the file."""
        # not `named`: that costs more than a line
        try:
            self._out.write(message.data + b"\n")
        except OSError as e:
            e.filename = self._name
            raise

    def close(self) -> None:
        """Flushes, and closes what this sink opened."""
        with named(self._name):
            if self._owned:
                self._out.close()
            else:
                self._out.flush()
