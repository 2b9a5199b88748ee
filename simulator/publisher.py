"""Publishing: recordings become messages, sent at a rate, and counted."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.messages import attributes
from aiot_anomaly.profile import Profile
from simulator import outgoing
from simulator.errors import SimulatorError
from simulator.sinks import Sink


@dataclass
class Summary:
    """What was sent.

    Attributes:
        messages: all that were sent, duplicates and poison included.
        rows_published: readings in all honest messages, counted again in a duplicate.
        duplicates: messages that were a second sending.
        poison: messages that were spoilt on purpose.
        devices: how many devices the recordings are of.
        seconds: from the first message to the confirmation of the last.
        interrupted: Ctrl-C came before the end.
    """

    messages: int = 0
    rows_published: int = 0
    duplicates: int = 0
    poison: int = 0
    devices: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def __str__(self) -> str:
        rate = self.messages / self.seconds if self.seconds > 0 else 0.0
        begin = "interrupted: " if self.interrupted else ""
        if not self.messages:
            return f"{begin}{self.rows_published} rows of {self.devices} devices"
        return (
            f"{begin}{self.messages} messages ({self.duplicates} duplicates, "
            f"{self.poison} poison) with {self.rows_published} rows of {self.devices} devices in {self.seconds:.1f} s"
            f" ({rate:.0f} messages/s)"
        )

    def write(self, path: Path) -> None:
        """Writes it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def publish(
    recordings: Sequence[Recording],
    profile: Profile,
    sink: Sink,
    *,
    batch: int = 1,
    rate: float = 0.0,
    duplicates: float = 0.0,
    poison: int = 0,
    seed: int = 0,
    progress: bool = False,
) -> Summary:
    """Sends recordings in time order, waits for the deliveries and closes the sink. Ctrl-C ends it early and in order.

    Labels stay behind: ground truth never travels in a message.

    Args:
        recordings: of one profile, values in its sensors' order.
        profile: names the sensors, and itself in the messages' attributes.
        sink: where to; closed afterwards.
        batch: readings a message, of one device.
        rate: messages a second; 0: as fast as it goes.
        duplicates: share of the messages that is sent twice.
        poison: number of further messages that are spoilt, in turn in every way that the pipeline must park.
        seed: of which messages are doubled and where the poison is.
        progress: show a bar on stderr if that is a terminal.

    Raises:
        SimulatorError: a reading is of the future, or a message was not delivered.
    """
    _check(recordings, batch, rate, duplicates, poison)
    total = outgoing.count(recordings, batch)
    messages = outgoing.in_time_order(recordings, profile.sensor_names, batch)
    disturbed = outgoing.disturbed(messages, total, duplicates=duplicates, poison=poison, seed=seed)
    summary, begin = Summary(devices=len({r.device_id for r in recordings})), time.monotonic()
    common = attributes(profile.name)
    bar = tqdm(total=total, desc="publishing", unit="msg", disable=None if progress else True)
    try:
        with bar:
            for message in disturbed:
                if rate > 0:
                    time.sleep(max(0.0, begin + summary.messages / rate - time.monotonic()))
                sink.send(message, {**common, "sent_at": f"{time.time():.6f}"})
                summary.messages += 1
                summary.rows_published += message.rows
                summary.duplicates += message.kind == "duplicate"
                summary.poison += message.kind == "poison"
                bar.update(message.kind == "reading")
    except KeyboardInterrupt:
        summary.interrupted = True
    finally:
        sink.close()
        summary.seconds = time.monotonic() - begin
    return summary


def _check(recordings: Sequence[Recording], batch: int, rate: float, duplicates: float, poison: int) -> None:
    if not 1 <= batch <= 10_000 or rate < 0 or not 0 <= duplicates <= 1 or poison < 0:
        raise SimulatorError(
            f"batch {batch}, rate {rate}, duplicates {duplicates}, poison {poison}; expected a batch of 1 to 10000, "
            f"duplicates from 0 to 1, and nothing negative"
        )
    latest = max((int(r.timestamps[-1]) for r in recordings if len(r)), default=0)
    if latest > time.time():
        raise SimulatorError(f"a reading is {latest - time.time():.0f} s in the future; devices report the past only")
