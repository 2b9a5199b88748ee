"""Vertex AI's contract for containers: it names port and addresses, and a request has instances and parameters.

https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import describe, payload, protocol, service
from serving.errors import shorten, unprocessable
from serving.settings import Settings


def install(app: FastAPI, settings: Settings) -> None:
    """Makes the app answer at the addresses that Vertex AI has named, if it has; those of its own stay as they are."""
    if settings.aip_health_route:
        app.router.routes.append(Route(settings.aip_health_route, _health, methods=["GET"]))
    if settings.aip_predict_route:
        app.router.routes.append(Route(settings.aip_predict_route, _predict, methods=["POST"]))


async def _health(request: Request) -> Response:
    found = await describe.ready(request)
    return Response(found.model_dump_json(), media_type="application/json")


async def _predict(request: Request) -> Response:
    s = service.of(request)
    body = await request.body()
    protocol.check_size(s, body)
    document = payload.parse(body)
    parameters = document.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise unprocessable("malformed_request", f"parameters is {shorten(parameters)}, expected an object")
    unknown = sorted(document.keys() - {"instances", "parameters"})
    if unknown:
        raise unprocessable("malformed_request", f"found {shorten(unknown[0])}, expected instances and parameters")
    model = protocol.chosen(s, parameters.get("profile"), "parameters.profile")
    request.state.model_version = model.version
    instances = document.get("instances")
    if not isinstance(instances, list):
        raise unprocessable("malformed_request", f"instances is {shorten(instances)}, expected a list")
    rest = {name: value for name, value in parameters.items() if name != "profile"}
    return protocol.respond(model, await protocol.predictions(s, model, request, instances, rest))
