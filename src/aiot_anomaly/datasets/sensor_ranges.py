"""What a first profile says of a sensor: which values it may have, and which deviation is worth an alarm."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from aiot_anomaly.calibration import SCALE_FLOOR
from aiot_anomaly.datasets import traits
from aiot_anomaly.datasets.survey import Found
from aiot_anomaly.datasets.training_part import TrainingPart

#: valid ranges reach this many times the range seen beyond it: a fault may go where no value has been
MARGIN = 10.0
#: and a counter's so many times above
COUNTED = 1000.0
#: a level that moves by less than this share of itself rests: digits that another recording may not have decide there
RESTING = 0.0025


def described(sensor: Found, i: int, looked: TrainingPart, span: int) -> dict[str, Any]:
    """A sensor as a profile writes it.

    Args:
        sensor: as the survey found it.
        i: its column.
        looked: the training part.
        span: points over which its change is judged; 0 where its level is.
    """
    smallest = _smallest(sensor, i, looked, span)
    # what can be told from noise at all must not be out of range
    spread = max(sensor.high - sensor.low, SCALE_FLOOR * smallest)
    low, high = sensor.low - MARGIN * spread, sensor.high + MARGIN * spread
    if looked.counters[i]:
        # a counter goes on, and a new one begins at 0
        low, high = min(low, 0.0), sensor.high + COUNTED * spread
    if sensor.sentinel is not None:
        # between the values and what stands for none
        low = max(low, (sensor.low + sensor.sentinel) / 2) if sensor.sentinel < sensor.low else low
        high = min(high, (sensor.high + sensor.sentinel) / 2) if sensor.sentinel > sensor.high else high
    return {
        "name": sensor.name,
        "unit": sensor.unit,
        "valid_range": [_rounded(low, math.floor), _rounded(high, math.ceil)],
        "smallest_deviation": float(f"{smallest:.2g}"),
    }


def coarse(found: Sequence[Found], written: Sequence[Mapping[str, Any]], changing: Container[str]) -> list[str]:
    """A note on each sensor whose level is seen no finer than `RESTING`: where less matters, a person must say so."""
    return [
        f"{s.name} was seen from {s.low:g} to {s.high:g}, less than {RESTING:.2%} of itself: beside the others it is "
        f"seen no finer than {w['smallest_deviation'] * SCALE_FLOOR:.2g}. Where less matters, lower its "
        f"smallest_deviation (now {w['smallest_deviation']:g})"
        for s, w in zip(found, written, strict=True)
        if s.name not in changing and 0 < s.high - s.low < w["smallest_deviation"] * SCALE_FLOOR
    ]


def _smallest(sensor: Found, i: int, looked: TrainingPart, span: int) -> float:
    """Half a normal deviation of what is judged: of the level, or of its change.

    Not of the whole recording's range: one large anomaly would hide the others.
    """
    columns = [p[span:, i] - p[: len(p) - span, i] if span else p[:, i] for p in looked.parts]
    deviation = float(np.median([traits.deviation(c[:, None])[0] for c in columns]))
    ranges = [float(np.ptp(c[np.isfinite(c)])) for c in columns if np.isfinite(c).any()]
    # a sensor that rests in the training part has no deviation: its whole range stands for it
    smallest = max(deviation / 2, max(ranges, default=0.0) / 100) or sensor.high - sensor.low
    if len(looked.counters) == 1:  # what is watched alone is watched for its moves
        return smallest
    own = RESTING * float(np.median([np.median(np.abs(c[np.isfinite(c)])) for c in columns if np.isfinite(c).any()]))
    # its scale is then no finer than that share of its level
    return smallest if span or deviation >= own else max(smallest, own / SCALE_FLOOR)


def _rounded(value: float, away: Any) -> float:
    """Two digits, rounded away from the recording."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{away(value / unit) * unit:.6g}")
