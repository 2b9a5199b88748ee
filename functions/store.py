"""Where the state of each device is kept between two messages: the contract that every store fulfils."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiot_anomaly.messages import Outcome
from aiot_anomaly.stream import DeviceState

#: what a store knows a version of a state by; None before the first write. Only the store looks into it
Revision = str | None


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

    def park(self, message_id: str, profile: str, code: str) -> None:
        """Counts a parked message; the same id counts once. A store may forget it once Pub/Sub has."""

    def totals(self, profile: str | None = None) -> Totals:
        """The sums over all devices, or over those of one profile."""

    def close(self) -> None:
        """Lets go of what the store holds."""
