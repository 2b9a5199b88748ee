"""`python -m local.cloud_run.placeholder`: like Cloud Run's hello image, answers 200 on every path."""

from __future__ import annotations

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


async def _hello(_request: Request) -> Response:
    return PlainTextResponse("It's running!")


app = Starlette(routes=[Route("/{path:path}", _hello, methods=["GET", "POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
