"""`:predict`: windows of any devices to predictions; without the framework, see `serving.front`."""

from __future__ import annotations

import time
from math import isfinite

from aiot_anomaly.detection import first_not_finite
from aiot_anomaly.detector import Detector
from aiot_anomaly.inference import Scores
from serving import encoding
from serving.at_once import QuickRoute
from serving.body_limit import SMALL
from serving.direct import DirectRoute
from serving.errors import unprocessable
from serving.instances import Instances, Reader
from serving.service import Model, Service


def direct_routes(s: Service) -> dict[str, DirectRoute]:
    """The addresses of this route that are answered without the framework."""
    template = "/v1/models/{profile}:predict"
    return {template.format(profile=name): DirectRoute(template, model, answer) for name, model in s.models.items()}


async def answer(model: Model, body: bytes, timeout_s: float) -> bytes:
    """What `:predict` answers to a body: scored in micro-batches with what others ask at the same time.

    Raises:
        ApiError: it cannot be answered, or not in time.
    """
    deadline = time.monotonic() + timeout_s
    parts = []
    for part in model.reader.parts(body):
        parts.append(encoding.predictions(model.detector.profile, part, await scored(model, part, deadline)))
    return encoding.response(model.detector, parts)


def quick_routes(s: Service) -> dict[bytes, QuickRoute]:
    """The same addresses, for short requests that come while nobody else asks."""
    most = min(SMALL, s.settings.max_body_bytes)

    def route(template: str, model: Model) -> QuickRoute:
        def answer_to(body: bytes) -> bytes | None:
            return None if s.lifecycle.draining or len(body) > most else answer_at_once(model, body)

        headers = [(b"x-model-version", model.version.encode())]
        return QuickRoute(template, headers, answer_to, s.metrics)

    return {path.encode(): route(of.template, of.model) for path, of in direct_routes(s).items()}


def answer_at_once(model: Model, body: bytes) -> bytes | None:
    """What `answer` gives for a few windows while nobody else asks; None where it is for `answer` to say."""
    if not model.batcher.is_alone():
        return None
    try:
        parts = list(model.reader.parts(body))
        scores = model.batcher.at_once(parts[0]) if len(parts) == 1 else None
        if scores is None:
            return None
        check(parts[0], scores)
        content = encoding.predictions(model.detector.profile, parts[0], scores)
    except Exception:
        # whatever it is, the usual way finds it again and tells it
        return None
    model.metrics.scored(model.name, scores.score)
    return encoding.response(model.detector, [content])


async def scored(model: Model, part: Instances, deadline: float) -> Scores:
    """The scores of instances, `instances.PART` of them at most, by the `deadline` of `time.monotonic`.

    Raises:
        ApiError: a score is not finite, or it cannot be had in time.
    """
    scores = await model.batcher.score(part, deadline)
    check(part, scores)
    model.metrics.scored(model.name, scores.score)
    return scores


def check(part: Instances, scores: Scores) -> None:
    """Refuses scores that are no numbers.

    Raises:
        ApiError: one is not finite.
    """
    # what is within its range gives numbers; a calibration from elsewhere may not
    if True not in part.own and all(map(isfinite, scores.score.tolist())):
        return
    bad = first_not_finite(scores)
    if bad is not None:
        code = "invalid_calibration" if part.own[bad] else "not_finite"
        where = f"instance {part.first + bad}"
        raise unprocessable(code, f"{where}: its values and calibration lead to a score that is not finite")


def answer_alone(detector: Detector, reader: Reader, body: bytes) -> bytes:
    """What `:predict` answers to a body, without waiting for or counting anything.

    Raises:
        ApiError: it cannot be answered.
    """
    parts = []
    for part in reader.parts(body):
        scores = detector.score(part.windows, part.calibrations, part.factors)
        check(part, scores)
        parts.append(encoding.predictions(detector.profile, part, scores))
    return encoding.response(detector, parts)
