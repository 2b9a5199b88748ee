"""The incidents of a history, told from its decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from aiot_anomaly.history.fleet import Decided


@dataclass(frozen=True)
class Found:
    """One incident.

    Attributes:
        device_id: whose it is.
        opened_at: window end of the decision that opened it.
        closed_at: of the one that closed it; None where it was open at the end.
        peak_score: the highest of its decisions.
        sensor: which explained most of that score.
    """

    device_id: str
    opened_at: datetime
    closed_at: datetime | None
    peak_score: float
    sensor: str


class IncidentLog:
    """Gathers incidents; of those that are over it keeps the worst, and counts all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[str, Found] = {}
        self._worst: list[Found] = []
        self._closed = 0

    def __len__(self) -> int:
        return self._closed + len(self._open)

    @property
    def worst(self) -> list[Found]:
        """The incidents with the highest peaks, the highest first."""
        return self._ranked([*self._worst, *self._open.values()])

    def take(self, decided: Iterable[Decided]) -> list[Found]:
        """Takes decisions, oldest first within a device, and gives the incidents that they close."""
        over = []
        for d in decided:
            incident, answer = d.incident, d.prediction
            if incident is None:
                continue
            device = answer.device_id
            known = self._open.get(device)
            if known is None or answer.score > known.peak_score:
                sensor = answer.contributions[0].sensor
                known = Found(device, incident.opened_at, None, answer.score, sensor)
            if incident.state == "closed":
                self._open.pop(device, None)
                over.append(replace(known, closed_at=answer.window_end))
            else:
                self._open[device] = known
        self._closed += len(over)
        self._worst = self._ranked([*self._worst, *over])
        return over

    def still_open(self) -> list[Found]:
        """The incidents that no decision closed."""
        return list(self._open.values())

    def _ranked(self, found: list[Found]) -> list[Found]:
        return sorted(found, key=lambda f: (-f.peak_score, f.device_id, f.opened_at))[: self._most]
