"""`:predict` as FastAPI knows it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving import service
from serving.answers import PredictResponse
from serving.model_path import MODEL_PATH
from serving.predict import answer

router = APIRouter(tags=["inference"])


@router.post(MODEL_PATH + ":predict", response_model=PredictResponse)
async def predict(request: Request, profile: str) -> Response:
    """Scores windows: in physical units, columns as `input_names`; score 1.0 is the threshold."""
    # a model that there is answers at its exact address, see `serving.direct`
    model = service.of(request).model(profile)
    request.state.model_version = model.version
    content = await answer(model, await request.body(), service.of(request).most_s)
    return Response(content, headers={"X-Model-Version": model.version}, media_type="application/json")
