"""MLflow's scoring protocol, so that its clients work unchanged: /invocations, /ping, /version.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally

| field | holds | answered with |
|---|---|---|
| `dataframe_split`, `dataframe_records`, or a CSV | readings, one a row, see `serving.frames` | one for each row |
| `instances`, `inputs` | instances as for `:predict`, or with `readings` as for `:detect` | one for each instance |
| `inputs` | columns: `device_id`, `window_end`, `values` | one for each window |
| `instances`, `inputs` | windows alone, numbers n × T × F, with `window_end` in `params` | one for each window |

`params`: `profile` (else the deployment's default), `sensitivity`, and `device_id` and `window_end` of what has none;
those of a CSV are the query's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving import describe, frames, payload, protocol, service
from serving.answers import InvocationsResponse, Ready
from serving.errors import ApiError, listed, shorten, unprocessable
from serving.overload import timeout_s
from serving.service import Service

router = APIRouter(tags=["MLflow"])

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


@router.get("/ping")
@router.get("/health")
async def ping(request: Request) -> Ready:
    """The models are loaded, as MLflow's clients ask for it."""
    return await describe.ready(request)


@router.get("/version", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def version(request: Request) -> Response:
    """The service's own version; that of a model is in each answer."""
    return Response(request.app.version, media_type="text/plain")


@router.post("/invocations", response_model=InvocationsResponse)
async def invocations(request: Request) -> Response:
    """Scores readings or windows as MLflow's clients send them.

    The model is `params.profile`, or the query's `profile` beside a CSV, else the default.
    """
    s = service.of(request)
    body = await request.body()
    protocol.check_size(s, body)
    frame, document = _parsed(request, body)
    params = document.get("params") or {}
    if not isinstance(params, dict):
        raise unprocessable("malformed_request", f"params is {shorten(params)}, expected an object")
    model = protocol.chosen(s, params.get("profile"), "params.profile")
    request.state.model_version = model.version
    rest = {name: value for name, value in params.items() if name != "profile"}
    if frame is not None:
        time = timeout_s(request.scope, s.most_s)
        s.workers.admit(time)
        deadline = monotonic() + time
        return protocol.respond(model, await s.workers.run(deadline, _of_frame, s, model, frame, rest))
    given = document["instances"] if "instances" in document else document["inputs"]
    device, end = rest.pop("device_id", frames.ANY_DEVICE), rest.pop("window_end", None)
    found = await protocol.predictions(s, model, request, _instances(given, device, end), rest)
    return protocol.respond(model, found)


def _of_frame(s: Service, model: service.Model, frame: frames.Frame, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    found, scores = frames.predictions(model.detector, s.calibrations, frame, params)
    s.metrics.scored(model.name, scores)
    return found


def _parsed(request: Request, body: bytes) -> tuple[frames.Frame | None, dict[str, Any]]:
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if kind == "text/csv":
        return frames.from_csv(body), {"params": dict(request.query_params)}
    if kind != "application/json":
        message = f"content type {shorten(kind)}, expected application/json or text/csv"
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    document = _json(body)
    unknown = sorted(document.keys() - {*_FORMS, "params"})
    named = [f for f in _FORMS if f in document]
    if len(named) != 1 or unknown:
        raise unprocessable(
            "malformed_request", f"found {listed(document) or 'no field'}; expected params and one of {listed(_FORMS)}"
        )
    if named[0] == "dataframe_split":
        return frames.from_split(document[named[0]]), document
    if named[0] == "dataframe_records":
        return frames.from_records(document[named[0]]), document
    return None, document


def _json(body: bytes) -> dict[str, Any]:
    # what pandas has no value for, MLflow's client writes as NaN, which no JSON has
    if b"NaN" not in body:
        return payload.parse(body)
    try:
        document = json.loads(body, parse_constant=_missing)
    except (ValueError, RecursionError) as e:
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "malformed_request", f"the body is not JSON: {shorten(str(e))}"
        ) from None
    if not isinstance(document, dict):
        raise unprocessable("malformed_request", f"the body is {shorten(document)}, expected a JSON object")
    return document


def _missing(constant: str) -> None:
    if constant != "NaN":
        raise unprocessable("not_finite", f"found {constant}; expected finite numbers")


def _instances(given: object, device: object, end: object) -> list[Any]:
    if isinstance(given, dict):
        given = _from_columns(given)
    if not isinstance(given, list):
        raise unprocessable("malformed_request", f"instances is {shorten(given)}, expected a list or columns")
    if isinstance(end, list) and len(end) != len(given):
        raise unprocessable(
            "malformed_request", f"params.window_end has {len(end)} times, expected {len(given)}: one a window"
        )
    ends = end if isinstance(end, list) else [end] * len(given)
    usual = ({"device_id": device} if at is None else {"device_id": device, "window_end": at} for at in ends)
    return [
        {**more, **one} if isinstance(one, dict) else {**more, "values": one}
        for one, more in zip(given, usual, strict=True)
    ]


def _from_columns(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    lists = {name: value for name, value in columns.items() if isinstance(value, list)}
    lengths = {len(value) for value in lists.values()}
    if len(lists) < len(columns) or len(lengths) != 1:
        raise unprocessable("malformed_request", "the columns of inputs are no lists of one length")
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
