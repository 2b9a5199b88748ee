"""Predictions as JSON, written column by column.

What all predictions of a profile have alike stands there once, the numbers of many become text in one go, and each
column is put between at once. To make a dictionary of each prediction first takes more than twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from aiot_anomaly import scoring
from aiot_anomaly.inference import Scores
from aiot_anomaly.series import Float
from serving.instances import Instances

#: where a prediction's own text goes, and how it looks in JSON
_SLOT, _SLOT_TEXT = "\0", '"\\u0000"'
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_NONE = "[]"


class PredictionText:
    """Writes predictions as `aiot_anomaly.detector.records` makes them, of windows that come without what was filled.

    Args:
        sensors: the S names of the profile's sensors.
    """

    def __init__(self, sensors: Sequence[str]) -> None:
        self._sensors = sensors
        self._quoted = np.array([orjson.dumps(name).decode() for name in sensors], dtype=object)
        one = {
            "device_id": _SLOT,
            "window_end": _SLOT,
            "is_anomaly": _SLOT,
            "score": _SLOT,
            "severity": _SLOT,
            "reason": _SLOT,
            "calibration": _SLOT,
            "contributions": [{"sensor": _SLOT, "share": _SLOT} for _ in sensors],
            "expected": {name: {"value": _SLOT, "lower": _SLOT, "upper": _SLOT} for name in sensors},
            "out_of_range": _SLOT,
        }
        *fixed, last = orjson.dumps(one).decode().split(_SLOT_TEXT)
        #: of one prediction and the comma after it, with a place after each piece but the last
        self._row = [piece for before in fixed for piece in (before, "")] + [last + ","]

    def predictions(self, part: Instances, scores: Scores) -> bytes:
        """The predictions of n instances, separated by commas."""
        width = len(self._row)
        pieces = self._row * len(part)
        for at, column in enumerate(self._columns(part, scores)):
            pieces[2 * at + 1 :: width] = column
        return "".join(pieces)[:-1].encode()

    def _columns(self, part: Instances, scores: Scores) -> Iterator[Sequence[str]]:
        """What goes into each place of all n rows, in the order of the places."""
        shares = np.minimum(np.maximum(scores.contributions, 0.0), 1.0)
        ranked = np.argsort(-shares, axis=1, kind="stable")
        highest = shares[np.arange(len(part))[:, None], ranked]
        alone = np.array((scores.score, scoring.severity(scores.score)))
        numbers = _rows(np.concatenate((alone, highest.T, scores.expected.T, scores.lower.T, scores.upper.T)))
        anomalous, outside = (scores.score > 1.0).tolist(), self._outside(part)
        yield [f'"{device}"' for device in part.device_ids]
        yield _texts(part.windows.ends.astype("datetime64[s]"))
        yield ["true" if is_anomaly else "false" for is_anomaly in anomalous]
        yield next(numbers)
        yield next(numbers)
        yield [_reason(*of) for of in zip(anomalous, outside, strict=True)]
        yield [f'"{source}"' for source in part.sources]
        for names in self._quoted[ranked].T.tolist():
            yield names
            yield next(numbers)
        rest = list(numbers)
        for sensor in range(len(self._sensors)):
            yield from rest[sensor :: len(self._sensors)]
        yield outside

    def _outside(self, part: Instances) -> list[str]:
        """The lists of the sensors that were out of range."""
        outside = part.windows.out_of_range
        if not np.count_nonzero(outside):
            return [_NONE] * len(part)
        return [f"[{','.join(self._quoted[row])}]" for row in outside]


def _reason(is_anomaly: bool, outside: str) -> str:
    if is_anomaly:
        return '"anomaly"'
    return '"normal"' if outside == _NONE else '"out_of_range"'


def _rows(numbers: Float) -> Iterator[list[str]]:
    """The text of (m, n) numbers, row by row."""
    texts, n = _texts(numbers.ravel()), numbers.shape[1]
    return (texts[at : at + n] for at in range(0, len(texts), n))


def _texts(column: np.ndarray) -> list[str]:
    """The JSON of each of (n) numbers or times."""
    return orjson.dumps(column, option=_OPTIONS)[1:-1].decode().split(",")
