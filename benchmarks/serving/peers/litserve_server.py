"""LitServe with ONNX Runtime: batches of what comes within 2 ms, one worker, one API server, ZeroMQ between them."""

from __future__ import annotations

import sys
from typing import Any

import litserve
import numpy as np

from benchmarks.serving.peers import model


class Score(litserve.LitAPI):  # type: ignore[misc] # LitServe is not installed where types are checked
    """One window a request."""

    def setup(self, _device: str) -> None:
        """Loads the model, in the worker."""
        self.score = model.Score()

    # without a type, as LitServe would take it for that of a query's parameter
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        """The window as lists: the array is made once, of the whole batch."""
        return request["window"]

    def batch(self, inputs: list[Any]) -> np.ndarray:
        """Windows as one array."""
        return np.array(inputs)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """One score a window."""
        return self.score(x)

    def unbatch(self, output: np.ndarray) -> list[Any]:
        """One score a request."""
        return list(output.tolist())

    def encode_response(self, output: float) -> dict[str, list[float]]:
        """As the other peers answer."""
        return {"predictions": [output]}


def main(port: int) -> None:
    """Serves until it is stopped."""
    api = Score(max_batch_size=64, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=port, num_api_servers=1, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
