"""The servers that are measured: how each is started, asked and understood."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from aiot_anomaly.series import Float
from benchmarks.serving.subjects import Subject

ROOT = Path(__file__).resolve().parents[2]
#: of the peers' environment
PEERS = ROOT / ".venv" / "peers" / "bin"
_PEERS = "benchmarks.serving.peers"
FEW, MANY = (1, 16), (1, 16, 64)
#: modules are compiled once, as in an image, whatever is usual on this machine
_COMPILED = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(ROOT / ".local" / "bench-serving" / "bytecode"),
}


class Contender(ABC):
    """A server of a model.

    Attributes:
        name: in reports.
        title: for people.
        ready_path: answers 200 once the model is loaded.
        path: of the route; `{model}` stands for the model's name.
        connections: numbers of connections that it is measured with; many for those that gain from many.
    """

    name: str
    title: str
    ready_path: str
    path: str
    connections: tuple[int, ...] = FEW

    @abstractmethod
    def command(self, subject: Subject, port: int) -> list[str]:
        """Starts it."""

    def environment(self, subject: Subject) -> dict[str, str]:
        """On top of this process's: one thread of each library, as there is one core."""
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
        )
        return {
            "BENCH_MODEL": str(subject.folder),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            # `mlflow` and `bentoml` start other programs of their environment by name
            "PATH": f"{PEERS}:/usr/local/bin:/usr/bin:/bin",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "BENTOML_DO_NOT_TRACK": "True",
            # what `mlflow models serve` starts is uvicorn, which reads its options here
            "UVICORN_ACCESS_LOG": "false",
            **threads,
            **_COMPILED,
        }

    @abstractmethod
    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        """The golden windows of these numbers as a request; peers take one."""

    def scores(self, answer: bytes) -> Float:
        """(B,) what it answered."""
        return np.ravel(orjson.loads(answer)["predictions"]).astype(float)


class Api(Contender):
    """This repository's service, as it is deployed."""

    name = "api"
    title = "this API"
    ready_path = "/health/ready"
    path = "/v1/models/{model}:predict"
    connections = MANY

    def __init__(self, models: Path) -> None:
        self.models = models

    def command(self, _subject: Subject, port: int) -> list[str]:
        """`python -m serving`, with its own defaults."""
        return [sys.executable, "-m", "serving", "--port", str(port), "--models", str(self.models)]

    def environment(self, _subject: Subject) -> dict[str, str]:
        """Nothing that it must set itself."""
        return _COMPILED

    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        """In physical units, as devices send them."""
        instances = list(subject.instances())
        return orjson.dumps({"instances": [instances[i] for i in which]})

    def scores(self, answer: bytes) -> Float:
        """The scores among all that it answers."""
        return np.array([p["score"] for p in orjson.loads(answer)["predictions"]])


class _Route(Contender):
    """A bare FastAPI route, run by uvicorn on uvloop and httptools, one process, no access log."""

    ready_path = "/ready"
    path = "/predict"
    module: str

    def command(self, _subject: Subject, port: int) -> list[str]:
        start = [str(PEERS / "uvicorn"), f"{_PEERS}.{self.module}:app", "--host", "127.0.0.1", "--port", str(port)]
        return [*start, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]

    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        return orjson.dumps({"instances": subject.windows[list(which)].tolist()})


class Bare(_Route):
    """With ONNX Runtime: the least that a server of this model can do."""

    name = "bare"
    title = "bare FastAPI route + ONNX Runtime"
    module = "bare"
    connections = MANY


class SavedModel(_Route):
    """With TensorFlow's form of deployment."""

    name = "saved-model"
    title = "FastAPI + SavedModel"
    module = "saved_model"


class KerasPredict(_Route):
    """With what a notebook does."""

    name = "keras"
    title = "FastAPI + keras.Model.predict"
    module = "keras_predict"


class _MLflow(Contender):
    """MLflow's own server.

    Attributes:
        form: the folder of the model in one of MLflow's forms.
    """

    ready_path = "/ping"
    path = "/invocations"
    form: str

    def command(self, subject: Subject, port: int) -> list[str]:
        """In the environment that it is in, one process."""
        options = f"--env-manager local --host 127.0.0.1 --port {port} --workers 1".split()
        return [str(PEERS / "mlflow"), "models", "serve", "-m", str(subject.folder / self.form), *options]


class MLflow(_MLflow):
    """With the model as TensorFlow has it, which is what MLflow logs of one."""

    name = "mlflow"
    title = "mlflow models serve"
    form = "mlflow"

    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        """A tensor."""
        return orjson.dumps({"inputs": subject.windows[list(which)].tolist()})


class MLflowOnnx(_MLflow):
    """With the model in its ONNX form: its fastest."""

    name = "mlflow-onnx"
    title = "mlflow models serve, ONNX Runtime"
    form = "mlflow_onnx"

    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        """Tensors by name: what it parses fastest."""
        return orjson.dumps({"inputs": {"window": subject.windows[list(which)].tolist()}})

    def scores(self, answer: bytes) -> Float:
        """By the output's name."""
        return np.ravel(orjson.loads(answer)["predictions"]["score"]).astype(float)


class LitServe(Contender):
    """Batches of up to 64 of what comes within 2 ms; ZeroMQ between its processes."""

    name = "litserve"
    title = "LitServe + ONNX Runtime"
    ready_path = "/health"
    path = "/predict"
    connections = MANY

    def command(self, _subject: Subject, port: int) -> list[str]:
        """One worker, one API server."""
        return [str(PEERS / "python"), "-m", f"{_PEERS}.litserve_server", str(port)]

    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        """One window."""
        return orjson.dumps({"window": subject.windows[which[0]].tolist()})


class BentoML(Contender):
    """Adaptive batches of up to 64, one worker, no access log."""

    name = "bentoml"
    title = "BentoML + ONNX Runtime, adaptive batching"
    ready_path = "/readyz"
    path = "/predict"
    connections = MANY

    def command(self, _subject: Subject, port: int) -> list[str]:
        """Its production server."""
        service = f"{_PEERS}.bentoml_server:Score"
        return [str(PEERS / "bentoml"), "serve", service, "--host", "127.0.0.1", "--port", str(port)]

    def body(self, subject: Subject, which: Sequence[int]) -> bytes:
        """A batch, which it joins with others."""
        return orjson.dumps({"windows": subject.windows[list(which)].tolist()})

    def scores(self, answer: bytes) -> Float:
        """A list."""
        found: Any = orjson.loads(answer)
        return np.ravel(found).astype(float)


#: the fastest to start first
PEERS_OF_ALL: tuple[Contender, ...] = (
    *(Bare(), LitServe(), BentoML(), MLflowOnnx()),
    *(MLflow(), SavedModel(), KerasPredict()),
)
