"""Predictions as JSON: the one place where they become bytes.

The fields are those of `PredictResponse`, `DetectResponse` and `Prediction`, and a test holds them together; but no
model is built of each prediction, which would cost more than the graph takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from aiot_anomaly.detector import Detector, records
from aiot_anomaly.inference import Scores
from aiot_anomaly.profile import Profile
from serving.instances import Instances
from serving.prediction_text import PredictionText

_OPTIONS = orjson.OPT_UTC_Z
#: windows for which dictionaries take no longer than whole columns
_FEW = 8
_text = cache(PredictionText)


def predictions(profile: Profile, part: Instances, scores: Scores) -> bytes:
    """The predictions of some instances, separated by commas."""
    if len(part) > _FEW:
        return _text(profile.sensor_names).predictions(part, scores)
    return rows(records(profile, part.device_ids, part.windows, scores, part.sources))


def rows(found: Sequence[Mapping[str, Any]]) -> bytes:
    """Records as JSON, separated by commas."""
    return orjson.dumps(found, option=_OPTIONS)[1:-1]


def response(detector: Detector, parts: Sequence[bytes], **more: object) -> bytes:
    """A whole answer.

    Args:
        detector: whose predictions they are.
        parts: predictions as `rows` gives them.
        more: further fields, between the version and the predictions.
    """
    head = orjson.dumps({"model": detector.profile.name, "version": detector.bundle.version, **more})
    return head[:-1] + b',"predictions":[' + b",".join(p for p in parts if p) + b"]}"
