"""All that happens to a fleet of districts beyond ordinary days, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from aiot_anomaly.datasets.fleet import Truth
from simulator.clock import DAY_S
from simulator.events import Event
from simulator.holidays import holidays
from simulator.leak import Leak
from simulator.sensor_faults import SensorFault


@dataclass(frozen=True)
class Happenings:
    """What happens to a fleet beyond ordinary days.

    Attributes:
        leaks: what is lost, where and when.
        events: heat waves and planned flushings, which are normal.
        faults: of sensors.
        holidays: the country whose public holidays are kept, e.g. "BR"; None: none.
    """

    leaks: Sequence[Leak] = ()
    events: Sequence[Event] = ()
    faults: Sequence[SensorFault] = ()
    holidays: str | None = None

    def of(self, device: str) -> Happenings:
        """Those of one device."""
        return replace(
            self,
            leaks=[k for k in self.leaks if k.device_id == device],
            events=[e for e in self.events if e.device_id == device],
            faults=[f for f in self.faults if f.device_id == device],
        )

    def days_off(self, days: range) -> list[int]:
        """The public holidays among some days, counted from 1970-01-01."""
        return holidays(self.holidays, days.start, days.stop) if self.holidays else []

    def truth(self, devices: Iterable[str], start: int, end: int) -> list[Truth]:
        """What is on record of it all within a range."""
        own: list[Leak | Event | SensorFault] = [*self.leaks, *self.events, *self.faults]
        happened = [h.truth(start, end) for h in own if h.start < end and h.end > start]
        off = [
            Truth(device, "public holiday", max(day * DAY_S, start), min((day + 1) * DAY_S, end), 1.0, anomalous=False)
            for device in devices
            for day in self.days_off(days(start, end))
        ]
        return happened + off


def days(start: int, end: int) -> range:
    """The days, counted from 1970-01-01 in UTC, that a range of unix seconds touches."""
    return range(start // DAY_S, -(-end // DAY_S))
