"""Where the state of each device is kept between two messages: the contract that every store fulfils."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import Outcome

#: what a store knows a version of a state by; None before the first write. Only the store looks into it
Revision = str | None
#: what is kept of a device beside its state, because few messages need it: its own calibrations, and the quiet readings
#: that they are made of; and, of no device, what a sweep remembers
Kind = Literal["calibrations", "quiet", "sweeps"]


@dataclass(frozen=True)
class Totals:
    """What became of everything that came.

    Attributes:
        outcomes: readings by outcome, all of `OUTCOMES`.
        pending: readings that have no outcome yet.
        parked: messages that were parked, by the code of the reason.
        devices: how many devices have a state.
    """

    outcomes: Mapping[Outcome, int]
    pending: int
    parked: Mapping[str, int]
    devices: int

    @property
    def readings(self) -> int:
        """Readings that have an outcome."""
        return sum(self.outcomes.values())

    @property
    def parked_messages(self) -> int:
        """Messages that were parked."""
        return sum(self.parked.values())


class WindowStore(Protocol):
    """One state a device, written only by whoever read its latest version. Safe for use from several threads.

    Beside it stand documents of a few kinds, which are written in the same way.

    Every method raises `StoreUnavailableError` where the store is locked or cannot be reached.
    """

    def read(self, profile: str, device: str) -> tuple[DeviceState, Revision]:
        """The device's state and its revision; an empty state for a device that never wrote."""

    def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
        """Replaces the state that `read` gave with `revision`.

        Raises:
            ConflictError: the state was written since; read again.
            StateTooLargeError: it is larger than the store can hold.
        """

    def due(self, now: int, most: int) -> list[tuple[str, str]]:
        """Profile and name of at most so many devices whose `due_at` has come; the cost grows with them alone."""

    def bring_up(self) -> int:
        """Makes devices due that sent nothing since a release without `due_at`, and gives how many; looks at each."""

    def read_aside(self, kind: Kind, profile: str, device: str) -> tuple[bytes | None, Revision]:
        """A document beside the state and its revision; None if there is none."""

    def write_aside(self, kind: Kind, profile: str, device: str, data: bytes, revision: Revision) -> None:
        """Replaces the document that `read_aside` gave with `revision`.

        Raises:
            ConflictError: it was written since; read again.
            StateTooLargeError: it is larger than the store can hold.
        """

    def park(self, message_id: str, profile: str, code: str) -> None:
        """Counts a parked message; the same id counts once. A store may forget it once Pub/Sub has."""

    def totals(self, profile: str | None = None) -> Totals:
        """The sums over all devices, or over those of one profile."""

    def close(self) -> None:
        """Lets go of what the store holds."""
