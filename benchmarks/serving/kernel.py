"""The bare ONNX Runtime kernel, in-process: the limit of whatever serves this model.

python -m benchmarks.serving.kernel BUNDLE --batch N --seconds S prints windows a second and the latency's median in ms:
the bundle's graph with all its outputs, on one thread, of inputs that lie ready. With --json the windows are read from
the JSON of a request and the answers written as JSON by orjson, and nothing else: what JSON leaves of the kernel.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from aiot_anomaly import bundle as bundles
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.calibration import shapes
from aiot_anomaly.windows import season_slots
from benchmarks.serving.cores import on
from benchmarks.serving.errors import BenchmarkError

_WARM_UP_S = 0.2
#: outputs that the API answers
ANSWERED = ("score", "contributions", "expected", "lower", "upper")


class Kernel(NamedTuple):
    """What it reached.

    Attributes:
        windows_s: windows a second.
        p50_ms: of one run.
    """

    windows_s: float
    p50_ms: float


def measured(bundle: Path, *, batch: int, seconds: float, core: int, json: bool = False) -> Kernel:
    """Runs this module in a process of its own on that core; with `json` it reads and writes JSON, too.

    Raises:
        BenchmarkError: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.serving.kernel", str(bundle)]
    with on(core):
        run = subprocess.run(  # noqa: S603 - this interpreter, with the words above
            [*command, "--batch", str(batch), "--seconds", str(seconds), *(["--json"] if json else [])],
            capture_output=True,
            check=False,
        )
    if run.returncode:
        raise BenchmarkError(f"the kernel of {bundle} failed: {run.stderr.decode(errors='replace')[-500:]}")
    return Kernel(*orjson.loads(run.stdout))


def feed(bundle: Bundle, batch: int) -> dict[str, np.ndarray]:
    """The graph's inputs for so many golden windows, in turn, with the fleet's calibration."""
    profile, golden = bundle.profile, bundle.golden
    which = np.arange(batch) % len(golden.ends)
    inputs = {
        "values": np.array(golden.values)[which],
        "season": season_slots(profile, np.array(golden.ends, dtype=np.int64)[which]),
        "threshold": np.full(batch, bundle.threshold),
    }
    for name, shape in shapes(profile).items():
        inputs[name] = np.broadcast_to(getattr(bundle.fleet, name), (batch, *shape))
    return inputs


def run(bundle: Bundle, *, batch: int, seconds: float, json: bool = False) -> Kernel:
    """Measures it here; with `json` the windows are read from JSON, and the answers written."""
    import onnxruntime as ort  # noqa: PLC0415 - only in the process of its own

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(bundle.folder / bundles.MODEL), options, providers=["CPUExecutionProvider"])
    types = {
        i.name: {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(int64)": np.int64}[i.type]
        for i in session.get_inputs()
    }
    ready = {name: np.ascontiguousarray(v, types[name]) for name, v in feed(bundle, batch).items() if name in types}
    body, shape = orjson.dumps({"instances": ready["values"].tolist()}), ready["values"].shape

    def once() -> None:
        if not json:
            session.run(None, ready)
            return
        rows = chain.from_iterable(chain.from_iterable(orjson.loads(body)["instances"]))
        ready["values"] = np.fromiter(rows, types["values"], ready["values"].size).reshape(shape)
        answers = session.run(list(ANSWERED), ready)
        for answer in answers:
            orjson.dumps(np.asarray(answer, dtype=np.float64), option=orjson.OPT_SERIALIZE_NUMPY)

    # what is read makes many objects, and no cycles
    gc.disable()
    took: list[float] = []
    begin = time.perf_counter()
    last = begin
    while last < begin + _WARM_UP_S + seconds:
        once()
        now = time.perf_counter()
        if last >= begin + _WARM_UP_S or not took:
            took.append(now - last)
        last = now
    return Kernel(batch * len(took) / sum(took), 1e3 * float(np.median(took)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m benchmarks.serving.kernel", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--batch", type=int, default=1, help="windows a run (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long (%(default)s)")
    parser.add_argument("--json", action="store_true", help="read the windows from JSON, and write the answers")
    given = parser.parse_args()
    found = run(bundles.load(given.bundle), batch=given.batch, seconds=given.seconds, json=given.json)
    sys.stdout.write(orjson.dumps(list(found)).decode() + "\n")
