"""A small fleet of the tiny device, as the simulator's CSV sink writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiot_anomaly.datasets import fleet
from aiot_anomaly.datasets.fleet import Fleet, Truth
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile
from tests.support.tiny_bundle import START, readings

TRAIN = 400  # readings of the training part, two for each window
TEST = 120


@dataclass(frozen=True)
class Event:
    """An anomaly of the test part, in readings after its start."""

    start: int
    stop: int


def write(
    folder: Path,
    of: Profile,
    monitored: dict[str, int],
    teachers: dict[str, int] | None = None,
    *,
    event: Event | None = None,
    test_offset: float = 0.0,
    train_offset: float = 0.0,
) -> Path:
    """Writes `train/` and `test/`; `monitored` and `teachers` name devices and their seeds.

    `event` adds 20 to the flow of every monitored device; the offsets are added to all of a part's flow.
    """
    train, test, truth = [], [], []
    for name, seed in {**monitored, **(teachers or {})}.items():
        at, values = readings(of, TRAIN, seed=seed)
        train.append(Recording(name, at, values + np.array([train_offset, 0.0])))
    for name, seed in monitored.items():
        at, values = readings(of, TEST, seed=1000 + seed, start=START + TRAIN * of.interval_s)
        values = values + np.array([test_offset, 0.0])
        if event is not None:
            values[event.start : event.stop, 0] += 20
            end = int(at[event.stop - 1]) + of.interval_s
            truth.append(Truth(name, "leak", int(at[event.start]), end, 1.0))
        test.append(Recording(name, at, np.asarray(values)))
    fleet.write(folder / "train", Fleet(tuple(train)), of)
    fleet.write(folder / "test", Fleet(tuple(test), tuple(truth)), of)
    return folder
