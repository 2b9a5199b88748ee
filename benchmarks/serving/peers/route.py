"""The bare FastAPI route that several peers are: orjson in and out, no validation, the score only.

The model is run on the event loop: a thread would cost more than it gives on one core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
from fastapi import FastAPI, Request, Response


def app(score: Callable[[list[Any]], np.ndarray]) -> FastAPI:
    """An app that answers `POST /predict` with what `score` makes of its `instances`."""
    bare = FastAPI(openapi_url=None)

    @bare.get("/ready")
    async def ready() -> Response:
        return Response()

    @bare.post("/predict")
    async def predict(request: Request) -> Response:
        document = orjson.loads(await request.body())
        answer = {"predictions": score(document["instances"]).tolist()}
        return Response(orjson.dumps(answer), media_type="application/json")

    return bare
