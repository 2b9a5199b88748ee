"""The OpenAPI description, with examples of the very models that are served.

Requests are read by hand (`serving.payload`), so FastAPI does not know their schemas: they are added here. The
name of an example of a request begins with the status that it is answered with; a test posts each of them.
"""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from aiot_anomaly.calibration import encode
from aiot_anomaly.detector import Detector
from serving import describe
from serving.answers import Alive, CalibrateResponse, ErrorBody
from serving.errors import ApiError, body
from serving.examples import examples, table
from serving.schemas import CalibrateRequest, DetectRequest, Instance, InvocationsRequest, PredictRequest
from serving.service import Service

_REFERENCE = "#/components/schemas/{model}"
#: what each address takes, and the name that `serving.examples` has for it
_REQUESTS: dict[str, tuple[str, type[BaseModel]]] = {
    "/v1/models/{profile}:predict": ("predict", PredictRequest),
    "/v1/models/{profile}:detect": ("detect", DetectRequest),
    "/v1/models/{profile}:calibrate": ("calibrate", CalibrateRequest),
    "/invocations": ("invocations", InvocationsRequest),
}
_MODELS: tuple[type[BaseModel], ...] = (*(request for _, request in _REQUESTS.values()), Instance, ErrorBody)
#: FastAPI's own form of a 422, which this service never gives
_UNUSED = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI, service: Service) -> None:
    """Makes the app describe itself with these examples."""

    def describe_app() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app, service)
        return app.openapi_schema

    app.openapi = describe_app  # type: ignore[method-assign] # FastAPI's documented way to extend the description


def _describe(app: FastAPI, service: Service) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    _, definitions = models_json_schema(
        [(m, "validation") for m in _MODELS],
        ref_template=_REFERENCE,
    )
    schemas = schema["components"]["schemas"]
    schemas.update(definitions["$defs"])
    for name in _UNUSED:
        schemas.pop(name, None)
    first = next(iter(service.catalogue.detectors))
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _refusals(operation, first, of_model="{profile}" in path)
    for path, (verb, request) in _REQUESTS.items():
        _inference(schema["paths"][path]["post"], verb, request, service)
    # its text is any table's, which a description of its type cannot say
    csv = {"schema": {"type": "string"}, "example": table(service.catalogue.detectors[first])}
    schema["paths"]["/invocations"]["post"]["requestBody"]["content"]["text/csv"] = csv
    _answers(schema["paths"], service)
    return schema


def _refusals(operation: dict[str, Any], model: str, *, of_model: bool) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    wrong_method = ApiError(405, "method_not_allowed", "PUT /v1/models: Method Not Allowed; see /openapi.json")
    responses["default"] = _error("any other refusal", wrong_method)
    if of_model:
        unknown = ApiError(404, "unknown_model", f"no model 'pump'; this service has {model}", models=[model])
        responses["404"] = _error("no such model", unknown)
        responses["200"]["headers"] = {"X-Model-Version": {"schema": {"type": "string"}}}
    for parameter in operation.get("parameters", []):
        parameter["example"] = model


def _inference(operation: dict[str, Any], verb: str, request: type[BaseModel], service: Service) -> None:
    found = examples(service, verb)
    responses = operation["responses"]
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": _REFERENCE.format(model=request.__name__)},
                "examples": {e.name: {"value": e.request} for e in found},
            }
        },
    }
    responses["400"] = _error("not JSON", ApiError(400, "malformed_request", "the body is not JSON: …"))
    responses["413"] = _error("too large", ApiError(413, "body_too_large", "the body has …"))
    responses["422"] = _error("JSON that cannot be answered", ApiError(422, "malformed_request", ""))
    for status in ("200", "422"):
        content = responses[status]["content"]["application/json"]
        content.pop("example", None)
        content["examples"] = {e.name: {"value": e.answer} for e in found if e.status == int(status)}


def _answers(paths: dict[str, Any], service: Service) -> None:
    catalogue = service.catalogue
    name, detector = next(iter(catalogue.detectors.items()))
    found: dict[str, BaseModel] = {
        "/v1/models": describe.model_list(catalogue),
        "/v1/models/{profile}": describe.model_description(detector),
        "/health/live": Alive(status="alive"),
        "/health/ready": describe.readiness_of(service),
        "/health": describe.readiness_of(service),
        "/ping": describe.readiness_of(service),
    }
    for path, answer in found.items():
        content = paths[path]["get"]["responses"]["200"]["content"]["application/json"]
        content["example"] = answer.model_dump(mode="json")
    # a request for one would be as long as the readings of a hundred windows
    calibrated = paths["/v1/models/{profile}:calibrate"]["post"]["responses"]["200"]["content"]["application/json"]
    calibrated["examples"] = {f"200-{name}": {"value": _calibrated(detector)}}
    paths["/version"]["get"]["responses"]["200"]["content"] = {
        "text/plain": {"schema": {"type": "string"}, "example": "1"}
    }
    line = f'aiot_model_info{{model="{name}",version="{detector.bundle.version}"}} 1.0\n'
    paths["/metrics"]["get"]["responses"]["200"]["content"] = {
        "text/plain": {"schema": {"type": "string"}, "example": line}
    }


def _calibrated(detector: Detector) -> dict[str, Any]:
    fleet = detector.bundle.fleet
    return CalibrateResponse(
        model=detector.profile.name,
        version=detector.bundle.version,
        device_id="device-1",
        windows=fleet.windows,
        outcomes={"decided": fleet.windows, "warming_up": 0, "gap": 0, "duplicate": 0, "pending": 0},
        calibration=encode(detector.profile, fleet),
    ).model_dump(mode="json")


def _error(description: str, example: ApiError) -> dict[str, Any]:
    value = orjson.loads(body(example.code, example.message, example.details))
    schema = {"$ref": _REFERENCE.format(model=ErrorBody.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema, "example": value}}}
