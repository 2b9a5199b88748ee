"""What MLflow's and Vertex AI's protocols have in common: one address, whatever the model, and instances of any kind.

An instance has `values` (a window, as for `:predict`) or `readings` (as for `:detect`, answered with the last
prediction), and each gets one prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from serving import detect, payload, predict
from serving.errors import listed, shorten, unprocessable
from serving.overload import timeout_s
from serving.schemas import MOST_INSTANCES, MOST_READINGS
from serving.service import Model, Service


def check_size(s: Service, body: bytes) -> None:
    """Refuses a body with more in it than any model's largest good one.

    Raises:
        ApiError: 413.
    """
    profiles = [m.detector.profile for m in s.models.values()]
    windows = max(MOST_INSTANCES * (p.window.steps * (len(p.input_names) + 1) + 32) for p in profiles)
    readings = max((MOST_READINGS + 1) * (len(p.sensors) + 4) + 64 for p in profiles)
    payload.check_size(body, max(windows, readings))


def chosen(s: Service, named: object, where: str) -> Model:
    """The model that a request names, else the deployment's default, else the only one.

    Args:
        s: the service.
        named: the request's `profile`, None if it has none.
        where: the request's field, for the message.

    Raises:
        ApiError: there is no such model, or none can be chosen.
    """
    name = named or s.settings.default_profile or (next(iter(s.models)) if len(s.models) == 1 else None)
    if name is None:
        message = f"found no {where}; expected one of {listed(s.models)}, or a deployment with DEFAULT_PROFILE"
        raise unprocessable("missing_profile", message, models=list(s.models))
    if not isinstance(name, str):
        raise unprocessable("malformed_request", f"{where} is {shorten(name)}, expected a text")
    return s.model(name)


async def predictions(
    s: Service, model: Model, request: Request, instances: Sequence[Any], parameters: Mapping[str, Any]
) -> list[Any]:
    """One prediction for each instance, in their order.

    Args:
        s: the service.
        model: that is asked.
        request: says how much time there is.
        instances: with windows or readings.
        parameters: as for `:predict`.

    Raises:
        ApiError: an instance cannot be answered, or not in time.
    """
    has_readings = [isinstance(one, dict) and "readings" in one for one in instances]
    of_readings = [i for i, has in enumerate(has_readings) if has]
    windows = [one for one, has in zip(instances, has_readings, strict=True) if not has]
    found: dict[int, Any] = {}
    time = timeout_s(request.scope, s.most_s)
    deadline = monotonic() + time
    if of_readings:
        # on their own first, so that what is wrong with them is said by their own number
        s.workers.admit(time)
        answers = await s.workers.run(deadline, _of_readings, s, model, instances, of_readings, parameters)
        found.update(zip(of_readings, answers, strict=True))
    if windows or not instances:
        model.batcher.admit(time)
        body = orjson.dumps({"instances": windows, "parameters": parameters or None})
        answer: list[Any] = orjson.loads(await predict.answer(model, body, time))["predictions"]
        rest = (i for i in range(len(instances)) if i not in found)
        found.update(zip(rest, answer, strict=True))
    return [found[i] for i in range(len(instances))]


def _of_readings(
    s: Service, model: Model, instances: Sequence[Any], which: Sequence[int], parameters: Mapping[str, Any]
) -> list[Any]:
    answers = []
    total = sum(len(instances[i]["readings"]) for i in which if isinstance(instances[i]["readings"], list))
    if total > MOST_READINGS:
        message = f"{total} readings, expected at most {MOST_READINGS} a request: send them in several"
        raise unprocessable("too_many_readings", message, found=total, expected=MOST_READINGS)
    for i in which:
        document = {**parameters, **instances[i], "last_only": True}
        one = detect.answered(model.detector, s.calibrations, document, f"instance {i}")
        s.metrics.scored(model.name, one.scores.scores.score)
        answers.extend(one.records)
    return answers


def respond(model: Model, found: Sequence[Any]) -> Response:
    """The answer of either protocol."""
    document = {"predictions": found, "model": model.name, "version": model.version}
    content = orjson.dumps(document, option=orjson.OPT_UTC_Z)
    return Response(content, headers={"X-Model-Version": model.version}, media_type="application/json")
