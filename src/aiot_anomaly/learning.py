"""How a device that nobody calibrated gets a calibration of its own, from its own quiet readings.

The readings are kept aside, in chunks, while the device is judged by the fleet's calibration; once they span what the
profile asks for, a calibration is made of them. They are kept for the next model, which needs another one.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace

import numpy as np

from aiot_anomaly.calibration import FEWEST_WINDOWS
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import deciding_slot

#: readings that are kept aside of one device: what the API takes in one request
MOST_ROWS = 10_000
#: and their size
MOST_BYTES = 512 * 1024
_WEEKS_S = 14 * 86_400
_HOUR_S = 3_600


@dataclass(frozen=True)
class Learning:
    """How far a device is. Immutable.

    Attributes:
        noisy: slots of windows after `collected` that are not to be learned from, ascending.
        since: the slot after which readings are learned from, None before the first.
        collected: readings up to this slot were looked at, and are kept aside if they were quiet.
        rows: how many are kept aside.
        source: whose calibration the last decision used.
        wanted: somebody asked for the device's own, though the bundle has one.
        trusted: somebody vouches for the readings: all are quiet, whatever was decided.
        calibration: id of the device's own calibration, empty if it has none.
        version: of the model that it was made for.
        refused: a version of the model that no calibration could be made for.
    """

    noisy: tuple[int, ...] = ()
    since: int | None = None
    collected: int | None = None
    rows: int = 0
    source: str = ""
    wanted: bool = False
    trusted: bool = False
    calibration: str = ""
    version: str = ""
    refused: str = ""

    @property
    def active(self) -> bool:
        """Whether the device is still without the calibration that it is to get."""
        return not self.calibration and (self.wanted or self.source in ("", "fleet"))

    def again(self, *, trusted: bool = False) -> Learning:
        """Forgets what was learned: the device is judged as a new one, and learns from its next readings on."""
        return Learning(source=self.source, wanted=True, trusted=trusted)

    def observed(self, noisy: Int, source: str) -> Learning:
        """After decisions by the calibration `source`, of which those at slots `noisy` are not to be learned from."""
        found = () if self.trusted else tuple(int(s) for s in noisy)
        return replace(self, source=source, noisy=(*self.noisy, *found))


@dataclass(frozen=True)
class QuietRows:
    """Readings of normal operation: slots (n,), ascending, and values (n, S) as they came, NaN where missing."""

    slots: Int = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: Float = field(default_factory=lambda: np.empty((0, 0)))

    def merged(self, slots: Int, values: Float, *, since: int) -> QuietRows:
        """With further readings, without those up to the slot `since`; the newest that may be kept.

        Merging the same readings again changes nothing.
        """
        new = ~np.isin(slots, self.slots)
        at = np.concatenate([self.slots, slots[new]])
        rows = np.vstack([self.values.reshape(len(self.slots), values.shape[1]), values[new]])
        order = np.argsort(at, kind="stable")
        order = order[at[order] > since][-most_rows(values.shape[1]) :]
        return QuietRows(at[order], rows[order])

    def encode(self) -> bytes:
        """JSON with the arrays in base64."""
        slots, values = self.slots.astype("<i8").tobytes(), self.values.astype("<f8").tobytes()
        return json.dumps(
            {
                "slots": base64.b64encode(slots).decode(),
                "values": base64.b64encode(values).decode(),
                "sensors": self.values.shape[1],
            }
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> QuietRows:
        """The readings that `encode` wrote."""
        d = json.loads(data)
        slots = np.frombuffer(base64.b64decode(d["slots"]), dtype="<i8")
        return cls(slots, np.frombuffer(base64.b64decode(d["values"]), dtype="<f8").reshape(len(slots), d["sensors"]))


def most_rows(sensors: int) -> int:
    """How many readings are kept aside of a device with so many sensors."""
    return min(MOST_ROWS, MOST_BYTES // (8 * (1 + sensors)))


def needed(profile: Profile) -> int:
    """How many quiet readings a device's own calibration is made of."""
    stride = profile.window.stride
    if profile.stream.learning_s is not None:
        slots = profile.stream.learning_s // profile.interval_s
    else:
        least_s = _WEEKS_S if profile.season.slots > 1 else _HOUR_S
        slots = max(FEWEST_WINDOWS * 5 // 4 * stride, least_s // profile.interval_s)
    return min(most_rows(len(profile.sensors)), profile.span + max(slots, FEWEST_WINDOWS * stride))


def quiet(profile: Profile, learning: Learning, slots: Int, values: Float, until: int) -> tuple[Int, Float]:
    """Of readings (n,) and (n, S) those that came after the last collection, up to slot `until`, and were quiet."""
    assert learning.collected is not None
    chosen = (slots > learning.collected) & (slots <= until)
    # a window decides the readings since the one before it; without it there is no window to learn from
    chosen &= ~np.isin(deciding_slot(profile, slots), learning.noisy)
    return slots[chosen], values[chosen]


def is_full(profile: Profile, learning: Learning, quiet_rows: int, until: int) -> bool:
    """Whether readings are to be kept aside now: they are a chunk, or the last ones that were needed.

    A chunk is as long as a window's history, which the state holds anyway.
    """
    assert learning.collected is not None
    enough = learning.rows < needed(profile) <= learning.rows + quiet_rows
    return enough or until - learning.collected >= profile.history
