"""`:predict`: windows of any devices to predictions; without the framework, see `serving.front`."""

from __future__ import annotations

import time
from math import isfinite

from aiot_anomaly.detection import first_not_finite
from aiot_anomaly.detector import Detector
from aiot_anomaly.inference import Scores
from serving import encoding
from serving.body_limit import SMALL
from serving.direct import DirectRoute
from serving.errors import unprocessable
from serving.instances import Instances, Reader
from serving.quick import QuickRoute, Tell
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
        parts.append(_content(model, part, await model.batcher.score(part, deadline)))
    return encoding.response(model.detector, parts)


def quick_routes(s: Service) -> dict[bytes, QuickRoute]:
    """The same addresses, for short requests."""
    most = min(SMALL, s.settings.max_body_bytes)

    def route(template: str, model: Model) -> QuickRoute:
        def ask(body: bytes, tell: Tell) -> bool:
            return not s.lifecycle.draining and len(body) <= most and is_asked(model, body, s.most_s, tell)

        return QuickRoute(template, [(b"x-model-version", model.version.encode())], ask, s.metrics)

    return {path.encode(): route(of.template, of.model) for path, of in direct_routes(s).items()}


def is_asked(model: Model, body: bytes, timeout_s: float, tell: Tell) -> bool:
    """Asks for what `answer` gives, without a task that waits for it; False where it takes more than one part."""
    deadline = time.monotonic() + timeout_s
    try:
        model.batcher.admit(timeout_s)
        parts = list(model.reader.parts(body))
    except Exception as e:
        tell(e)
        return True
    if len(parts) != 1:
        return False
    part = parts[0]

    def found(scores: Scores | Exception) -> None:
        told: bytes | Exception
        try:
            if isinstance(scores, Exception):
                raise scores
            told = encoding.response(model.detector, [_content(model, part, scores)])
        except Exception as e:
            # whatever it is, who else is in the batch is told, too
            told = e
        tell(told)

    model.batcher.submit(part, deadline, found)
    return True


def _content(model: Model, part: Instances, scores: Scores) -> bytes:
    check(part, scores)
    model.metrics.scored(model.name, scores.score)
    return encoding.predictions(model.detector.profile, part, scores)


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
