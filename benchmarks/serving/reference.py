"""The reference network as a bundle: 60 steps of 8 sensors, LSTM autoencoder 64-16-16-64, not trained.

What it answers means nothing; what it costs is what a trained one of this size costs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from aiot_anomaly import bundle as bundles
from aiot_anomaly import calibration as calibrations
from aiot_anomaly.inference import Graph
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows, as_datetime, season_slots

NAME = "reference"
STEPS, SENSORS, UNITS, CODE = 60, 8, 64, 16
#: 2026-01-01T00:00Z
_START = 1_767_225_600
_GOLDEN, _NORMAL = 16, 200


def profile() -> Profile:
    """Eight alike sensors, once a second."""
    sensors = tuple(
        {"name": f"sensor_{i}", "unit": "1", "valid_range": (-100.0, 100.0), "smallest_deviation": 1.0}
        for i in range(1, SENSORS + 1)
    )
    return Profile.model_validate(
        {
            "name": NAME,
            "title": "Reference network",
            "description": f"{STEPS} steps of {SENSORS} sensors; to measure speed with, and nothing else.",
            "sensors": sensors,
            "interval_s": 1,
            "window": {"steps": STEPS},
            "imputation": {"method": "hold", "longest_gap": 2},
            "scoring": {"kind": "two_sided", "last_steps": STEPS},
            "threshold": {"quantile": 0.99},
            "incidents": {"k": 2, "n": 3, "quiet": 4},
        }
    )


def write(folder: Path) -> Path:
    """Writes the bundle into `folder`, which it returns."""
    import keras  # noqa: PLC0415 - takes seconds

    from aiot_anomaly.training.export import to_onnx  # noqa: PLC0415 - as above
    from aiot_anomaly.training.network import NetworkConfig, build  # noqa: PLC0415 - as above

    of = profile()
    keras.utils.set_random_seed(0)
    config = NetworkConfig(units=UNITS, code=CODE)
    network = build(of, config)
    model = to_onnx(of, network)
    graph = Graph(model, of)
    normal = _windows(np.random.default_rng(0).normal(size=(_NORMAL, STEPS, SENSORS)))
    fleet = calibrations.complete(of, normal, graph.residuals, NAME)
    threshold = float(np.quantile(graph.score(normal, fleet).score, of.threshold.quantile))
    ends = normal.ends[:_GOLDEN]
    values = bundles.golden_values(of, fleet, season_slots(of, ends), seed=0)
    golden = bundles.Golden(ends=ends.tolist(), values=values.tolist(), scores=[])
    scores = graph.score(golden.windows(of), fleet, threshold).score
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "own.weights.h5"
    network.save_weights(str(weights))
    bundles.write(
        folder,
        model=model,
        calibrations=bundles.Calibrations(fleet=calibrations.encode(of, fleet), devices={}),
        golden=golden.model_copy(update={"scores": scores.tolist()}),
        weights=weights,
        manifest={
            "version": NAME,
            "profile": of,
            "threshold": {
                "value": threshold,
                "method": "quantile",
                "quantile": of.threshold.quantile,
                "held_back_rows": _NORMAL,
            },
            "network": config.model_dump(),
            "metrics": {},
            "training_range": (as_datetime(normal.ends[0]), as_datetime(normal.ends[-1])),
            "devices": 0,
            "created_at": datetime.now(UTC).replace(microsecond=0),
            "mlflow_run_id": "not trained",
            "git_commit": "0" * 40,
            "data_fingerprint": "generated",
            "seed": 0,
            "libraries": {"numpy": np.__version__},
        },
    )
    weights.unlink()
    return folder


def _windows(values: Float) -> Windows:
    n = len(values)
    return Windows(
        _START + np.arange(n, dtype=np.int64), values, np.ones(n, dtype=bool), np.zeros((n, SENSORS), dtype=bool)
    )
