"""What the stream keeps of one device between two messages, and how it is stored.

JSON with the arrays in base64, and the number of its format, so that a roll-out of the function keeps windows and
incidents: an older format is read and written anew with the device's next message, a newer one is refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from aiot_anomaly.errors import StateError
from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.learning import Learning
from aiot_anomaly.messages import OUTCOMES, Outcome
from aiot_anomaly.series import Float, Int

#: of what `encode` writes
FORMAT = 2


def _no_outcomes() -> dict[Outcome, int]:
    return dict.fromkeys(OUTCOMES, 0)


@dataclass(frozen=True)
class DeviceState:
    """What the stream keeps of one device. Immutable: `aiot_anomaly.stream` gives the next.

    Times are seconds since 1970.

    Attributes:
        slots: (h,) grid slots of the readings kept, ascending.
        values: (h, S) their values, as they came; NaN where missing.
        first_slot: of the device's first reading, None before it.
        watermark: every reading up to this slot has its outcome.
        outcomes: how many readings had each outcome.
        messages: ids of the last messages that were taken in.
        tracker: where its incident stands.
        model_version: of the last decision.
        broken: a gap longer than the profile allows lies in the window; no decision since.
        seen_at: when its newest message was published, 0 before the first.
        due_at: when a sweep is to look after the device, None where it need not.
        closing: when a sweep found it silent and said that it closes its last windows; None once that is done.
        silent_at: `seen_at` of the last message before it fell silent, None while it sends.
        maintenance: from and until when no incident is opened, None if nobody said so.
        learning: how far its own calibration is.
    """

    slots: Int = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: Float = field(default_factory=lambda: np.empty((0, 0)))
    first_slot: int | None = None
    watermark: int | None = None
    outcomes: Mapping[Outcome, int] = field(default_factory=_no_outcomes)
    messages: tuple[str, ...] = ()
    tracker: IncidentTracker = field(default_factory=IncidentTracker)
    model_version: str = ""
    broken: bool = False
    seen_at: int = 0
    due_at: int | None = None
    closing: int | None = None
    silent_at: int | None = None
    maintenance: tuple[int, int] | None = None
    learning: Learning = field(default_factory=Learning)

    @property
    def pending(self) -> int:
        """Readings that have no outcome yet."""
        return int(np.count_nonzero(self.slots > self.watermark)) if self.watermark is not None else 0

    def in_maintenance(self, at: int) -> bool:
        """Whether somebody said that the device is worked on at this time."""
        return self.maintenance is not None and self.maintenance[0] <= at <= self.maintenance[1]

    def encode(self) -> bytes:
        """The state as it is stored."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return json.dumps(
            {
                "format": FORMAT,
                "slots": base64.b64encode(self.slots.astype("<i8").tobytes()).decode(),
                "values": base64.b64encode(self.values.astype("<f8").tobytes()).decode(),
                "sensors": self.values.shape[1],
                "outcomes": dict(self.outcomes),
                # lists and not names: short, and a release that does not know them all refuses the state
                "tracker": list(asdict(self.tracker).values()),
                "learning": list(asdict(self.learning).values()),
                **plain,
            }
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> DeviceState:
        """The state that this release or an earlier one wrote.

        Raises:
            StateError: a later release wrote it.
        """
        d = json.loads(data)
        written = d.get("format", 1)
        if written not in _MIGRATIONS:
            raise StateError(
                f"the state is of format {written}, this release reads up to {FORMAT}: "
                "deliver the function's later release again"
            )
        while migrate := _MIGRATIONS[d.get("format", 1)]:
            d = migrate(d)
        slots = np.frombuffer(base64.b64decode(d["slots"]), dtype="<i8")
        return cls(
            **{name: _frozen(d[name]) for name in _PLAIN},
            slots=slots,
            values=np.frombuffer(base64.b64decode(d["values"]), dtype="<f8").reshape(len(slots), d["sensors"]),
            outcomes=d["outcomes"],
            tracker=IncidentTracker(*map(_frozen, d["tracker"])),
            learning=Learning(*map(_frozen, d["learning"])),
        )


_PLAIN = (
    "first_slot",
    "watermark",
    "messages",
    "model_version",
    "broken",
    "seen_at",
    "due_at",
    "closing",
    "silent_at",
    "maintenance",
)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _from_1(d: dict[str, Any]) -> dict[str, Any]:
    """Windows, counts and the open incident stay; what is new begins as it does for a new device."""
    new: dict[str, Any] = json.loads(DeviceState().encode())
    return new | d | {"format": 2, "tracker": [*d["tracker"], *new["tracker"][len(d["tracker"]) :]]}


#: from each format that can be read to the next one
_MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]] | None] = {1: _from_1, FORMAT: None}
