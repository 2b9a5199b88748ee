"""FastAPI with ONNX Runtime."""

from __future__ import annotations

from benchmarks.serving.peers import model, route

app = route.app(model.Score())
