"""A small real bundle, made in seconds: an untrained network, exported and calibrated as a trained one is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from aiot_anomaly import bundle as bundles
from aiot_anomaly import calibration as calibrations
from aiot_anomaly import series as grid
from aiot_anomaly import windows
from aiot_anomaly.inference import Graph
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int

WINDOWS = 120
GOLDEN = 4
START = 1_767_225_600  # 2026-01-01T00:00Z


def tiny_profile(name: str = "tiny") -> Profile:
    """Two sensors and a derived input, once a minute; a window is evaluated at every second reading."""
    return Profile.model_validate_json(
        f"""{{"name": "{name}", "title": "A tiny device", "description": "For tests.",
        "sensors": [
          {{"name": "flow", "unit": "L/s", "valid_range": [0, 100], "smallest_deviation": 1}},
          {{"name": "pressure", "unit": "bar", "valid_range": [-5, 15], "smallest_deviation": 0.5}}],
        "derived": [{{"kind": "change", "name": "flow_change", "sensor": "flow", "span": 3}}],
        "interval_s": 60, "window": {{"steps": 4, "step": 1, "aggregate": 2, "stride": 2}},
        "imputation": {{"method": "hold", "longest_gap": 2}}, "scoring": {{"kind": "two_sided", "last_steps": 3}},
        "threshold": {{"quantile": 0.99, "margin": 1.2}}, "incidents": {{"k": 2, "n": 3, "quiet": 4}}}}"""
    )


def readings(profile: Profile, n: int, *, seed: int = 0, start: int = START) -> tuple[Int, Float]:
    """Normal readings at every point of the grid: timestamps (n,) in seconds since 1970 and values (n, S)."""
    rng = np.random.default_rng(seed)
    middle = np.array([sum(s.valid_range) / 2 for s in profile.sensors])
    noise = np.array([s.smallest_deviation for s in profile.sensors])
    first = start // profile.interval_s
    return (first + np.arange(n)) * profile.interval_s, middle + noise * rng.normal(size=(n, len(middle)))


def normal_windows(profile: Profile, *, seed: int = 0) -> windows.Windows:
    """Complete windows of normal readings."""
    at, values = readings(profile, profile.span + WINDOWS * profile.window.stride, seed=seed)
    cut = windows.cut(profile, grid.on_grid(profile, grid.slots(profile, at), values))
    return cut.only(cut.complete)


def make_bundle(
    folder: Path, profile: Profile | None = None, *, version: str = "tiny-1", units: int = 4, devices: int = 1
) -> Path:
    """Writes a bundle for `profile` (a tiny one if not given) to `folder` and returns the folder.

    Its known devices are `device-1` … `device-<devices>`; any other device is judged by the fleet's calibration.
    """
    import keras

    from aiot_anomaly.training.export import to_onnx
    from aiot_anomaly.training.network import NetworkConfig, build

    profile = profile or tiny_profile()
    keras.utils.set_random_seed(1)
    network = build(profile, NetworkConfig(units=units, code=2))
    model = to_onnx(profile, network)
    graph = Graph(model, profile)
    normal = normal_windows(profile)
    fleet = calibrations.complete(profile, normal, graph.residuals, version)
    own = {
        f"device-{i}": calibrations.complete(profile, normal_windows(profile, seed=i), graph.residuals, version)
        for i in range(1, devices + 1)
    }
    threshold = profile.threshold.margin * float(
        np.quantile(graph.score(normal, fleet).score, profile.threshold.quantile)
    )
    ends = normal.ends[:GOLDEN]
    values = bundles.golden_values(profile, fleet, windows.season_slots(profile, ends), seed=0)
    golden = bundles.Golden(ends=ends.tolist(), values=values.tolist(), scores=[])
    scores = graph.score(golden.windows(profile), fleet, threshold).score
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "own.weights.h5"
    network.save_weights(str(weights))
    bundles.write(
        folder,
        model=model,
        calibrations=bundles.Calibrations(
            fleet=calibrations.encode(profile, fleet),
            devices={name: calibrations.encode(profile, c) for name, c in own.items()},
        ),
        golden=golden.model_copy(update={"scores": scores.tolist()}),
        weights=weights,
        manifest={
            "version": version,
            "profile": profile,
            "threshold": {
                "value": threshold,
                "method": "quantile",
                "quantile": profile.threshold.quantile,
                "held_back_rows": len(normal),
            },
            "network": {"units": units, "code": 2, "denoise": False},
            "metrics": {"f1": 0.5},
            "training_range": (windows.as_datetime(normal.ends[0]), windows.as_datetime(normal.ends[-1])),
            "devices": devices,
            "created_at": datetime.now(UTC).replace(microsecond=0),
            "mlflow_run_id": "0" * 32,
            "git_commit": "0" * 40,
            "data_fingerprint": "generated",
            "seed": 1,
            "libraries": {"numpy": np.__version__},
        },
    )
    weights.unlink()
    return folder
