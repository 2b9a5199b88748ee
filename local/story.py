"""What the demo sends: a real recording and simulated water districts, with what is known to have happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import skab
from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile
from simulator import replay, water
from simulator.leak import Leak

SKAB_REPLAYED = ("valve1/6", "valve2/1")
#: the recording that is sent reading by reading, to measure the latency
SKAB_STEADY = "valve1/0"
#: the fleet that the shipped model was trained beside: the same districts, at another time
WATER_SEED = 7
WATER_DAYS = 21
LEAK_SHARE = 0.12
LEAK_DAYS = 6
DAY_S = 86_400


@dataclass(frozen=True)
class Part:
    """Recordings of one profile that are sent together.

    Attributes:
        profile: of all of them.
        recordings: what is sent.
        truth: what is known to have happened; it is never sent.
        batch: readings a message.
    """

    profile: Profile
    recordings: tuple[Recording, ...]
    truth: tuple[Truth, ...]
    batch: int

    @property
    def rows(self) -> int:
        """Readings in all recordings."""
        return sum(len(r) for r in self.recordings)


def test_bed(say: Callable[[str], None]) -> Part | None:
    """The replay of a real recording, or None, with the reason said, where it cannot be had."""
    profile = profile_store.load("skab")
    try:
        skab.locate()
        fleets = [_replayed(name, profile) for name in SKAB_REPLAYED]
    except DatasetError as e:
        say(f"no real recording: {e}")
        return None
    truth = [Truth(r.device_id, "valve closed", start, end, 1.0) for r in fleets for start, end in r.events()]
    return Part(profile, tuple(fleets), tuple(truth), batch=20)


def steady() -> Part:
    """Normal rows of a further recording, one reading a message.

    Raises:
        DatasetError: the recording cannot be had.
    """
    profile = profile_store.load("skab")
    return Part(profile, (_replayed(SKAB_STEADY, profile).head(400),), (), batch=1)


def _replayed(name: str, profile: Profile) -> Recording:
    return replay.load(f"skab:{name}", profile).recordings[0]


def last_hour(now: float, interval_s: int) -> int:
    """The last full hour whose reading is complete at `now`, both in seconds since 1970.

    Windows end at full hours: a recording that ends there leaves no reading waiting for its window.
    """
    return (int(now) - interval_s) // 3600 * 3600


def districts(now: float | None = None) -> Part:
    """Two simulated water districts up to the last full hour, the first with a leak."""
    profile = profile_store.load("leak")
    last = last_hour(time.time() if now is None else now, profile.interval_s)
    end, start = last + profile.interval_s, last - WATER_DAYS * DAY_S
    leak = Leak("dma-01", LEAK_SHARE, last - LEAK_DAYS * DAY_S, end)
    fleet = water.simulate([1, 2], start, end, leaks=[leak], seed=WATER_SEED, jobs=1)
    return Part(profile, fleet.recordings, fleet.truth, batch=24)
