"""What each known event cost until somebody was told of it: water, or energy.

Where it is known what really happened (a fleet's `truth.csv`), this is what early detection is worth. The rate of a
loss is taken as constant over its event. An incipient leak is counted at its full size from the start, which is more
than it loses. What a meter did not count is told by the share that the truth file names, spread evenly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.profile import Profile
from aiot_anomaly.training.dataset import Device
from aiot_anomaly.training.evaluation import Scored, incidents

NAN = float("nan")
#: kinds of events whose size is a share of the district's mean inflow
LEAKS = ("leak", "incipient leak")
#: what is lost, by the unit of the profile's first sensor
LOST = {"L/s": "m3", "kWh": "kwh"}
#: sizes that are told apart
MOST_SIZES = 6


@dataclass(frozen=True)
class Detection:
    """A known event, and when it was found.

    Attributes:
        truth: the event.
        delay_s: from its start to the incident that opened in it; None if none did.
        lost: m³ or kWh until then, all of the event's if it was not found; NaN where its size is no loss.
        whole: what the whole event lost.
    """

    truth: Truth
    delay_s: int | None
    lost: float
    whole: float


def detections(profile: Profile, device: Device, scored: Scored, truth: Iterable[Truth]) -> list[Detection]:
    """The anomalous events of a device's test part, and what they cost until they were found.

    An event is found by an incident that opened in it, and not before.
    """
    until = int(device.recording.timestamps[-1]) + profile.interval_s
    opened, found = [start for start, _ in incidents(profile, scored)], []
    for t in truth:
        start, end = max(t.start, device.tested_after), min(t.end, until)
        if not t.anomalous or t.device_id != device.device_id or start >= end:
            continue
        delay = next((at - start for at in opened if start <= at < end), None)
        rate = _rate(profile, device, t, start, end)
        whole = rate * (end - start)
        found.append(Detection(t, delay, whole if delay is None else rate * delay, whole))
    return found


def _rate(profile: Profile, device: Device, truth: Truth, start: int, end: int) -> float:
    """What an event loses in a second, m³ or kWh; NaN where its size does not tell."""
    times, values = device.recording.timestamps, device.recording.values[:, 0]
    unit, ordinary = profile.sensors[0].unit, values[times <= device.train_until]
    if truth.sensor is not None or unit not in LOST or np.isnan(ordinary).all():
        return NAN
    if unit == "L/s":
        return truth.size * float(np.nanmean(ordinary)) / 1000 if truth.kind in LEAKS else NAN
    metered = values[(times >= start) & (times < end)]
    if truth.size < 1 and np.isfinite(metered).any():
        consumed = float(np.nanmean(metered)) / (1 - truth.size)
    else:
        # nothing of it was metered, so what flowed is taken as what flowed before
        consumed = float(np.nanmean(ordinary))
    return truth.size * consumed / profile.interval_s


def summary(profile: Profile, found: Sequence[Detection]) -> dict[str, float]:
    """The measures of some events, of one size or of all.

    Returns:
        events, found (share), median_delay_s, p90_delay_s of those found, mean_loss_<m3 or kwh> (an event's until it
        was found, or its end), loss_share (of all that the events lost in whole). NaN where not defined.
    """
    delays = [d.delay_s for d in found if d.delay_s is not None]
    costly = [d for d in found if np.isfinite(d.whole)]
    whole = sum(d.whole for d in costly)
    measures = {
        "events": float(len(found)),
        "found": len(delays) / len(found) if found else NAN,
        "median_delay_s": float(np.median(delays)) if delays else NAN,
        "p90_delay_s": float(np.quantile(delays, 0.9)) if delays else NAN,
    }
    unit = LOST.get(profile.sensors[0].unit)
    if unit is None:
        return measures
    return measures | {
        f"mean_loss_{unit}": sum(d.lost for d in costly) / len(costly) if costly else NAN,
        "loss_share": sum(d.lost for d in costly) / whole if whole > 0 else NAN,
    }


def by_size(profile: Profile, found: Sequence[Detection]) -> dict[str, dict[str, float]]:
    """The measures of the events of each size, smallest first: what recall is, and whether it rises with the size.

    Where there are more sizes than a table holds, neighbours are taken together.
    """
    sizes = sorted({d.truth.size for d in found})
    measured = {}
    for group in np.array_split(sizes, min(len(sizes), MOST_SIZES)) if sizes else []:
        low, high = float(group[0]), float(group[-1])
        name = f"{low:.0%}" if len(group) == 1 else f"{low:.0%} to {high:.0%}"
        measured[name] = summary(profile, [d for d in found if low <= d.truth.size <= high])
    return measured
