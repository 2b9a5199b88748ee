"""What docs/serving.md says beside the figures."""

from __future__ import annotations

TITLE = """# How fast the API is

*Made by `make bench-serving`, which measures everything below in one run on one machine.*

![Requests a second and 99th percentile of the latency, this API and its peers](serving.png)"""

SETUP = """Measured at {measured_at} on {processor}: the load generator on one core, the server, with all its
processes and threads, on another. Each peer serves the same model, is asked about the same golden windows, and was seen
to give the same scores before it was timed. The API answers what it always answers: validated input, score, severity,
reason, contributions and expected values. The peers answer the score alone, from a graph that has threshold and
calibration as constants.

*n connections* is a closed loop: each sends its next request when the one before is answered. *At 60 %* is a constant
arrival rate over 128 connections at 60 % of what the server answers in its best closed loop, measured anew before each
round; latency counts from the moment at which a request was due, whether or not it could be sent then, and begins half
a second after the connections are opened. Figures are medians of {rounds} rounds of {seconds:g} s; *ahead* is the
median of the rounds' ratios over 16 connections, as each peer takes turns with the API. *Ready after* counts from the
start of the process, with modules that are compiled already, as in an image. Memory is the proportional set size of all
the server's processes together, at its largest. The generator itself reaches {generator:,.0f} requests/s
(p99 {generator_p99:.2f} ms) against a server that does nothing; at 1,000 requests/s its p99 is {timed_p99:.2f} ms, and
so much of each latency is its own.

Versions: {versions}."""

FAIRNESS = """## How the peers are set up

All: one process where they let one choose, one thread in each numeric library, as there is one core; no access log; the
versions of [peers.txt](../benchmarks/serving/peers.txt). Each in the way that its documentation recommends; the code is
in [benchmarks/serving/peers](../benchmarks/serving/peers).

- The FastAPI routes parse with orjson, validate nothing and compute on the event loop, which is faster than a thread on
  one core; uvicorn with uvloop and httptools. The SavedModel is called through its signature, Keras by `Model.predict`.
- `mlflow models serve` has the model in its TensorFlow form, which is what MLflow logs of such a network, and beside it
  in its ONNX form, which is much faster; inputs are tensors.
- LitServe batches up to 64 of the requests that come within 2 ms (of 0, 1, 2, 5 and 10 ms the fastest over 16
  connections); one worker, one API server, its ZeroMQ queue.
- BentoML has adaptive batching of up to 64 on, one worker."""
