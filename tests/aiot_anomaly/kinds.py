"""Profiles for the tests: variants of the tiny one, and small ones at random."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import strategies as st

from aiot_anomaly import series
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float, Int
from aiot_anomaly.windows import Windows
from tests.support.tiny_bundle import tiny_profile

VARIANTS = [(kind, season) for kind in ("two_sided", "whitened") for season in ("none", "hour_of_week")]


def document(**changes: Any) -> dict[str, Any]:
    """The tiny profile as a document, with top-level fields replaced."""
    return {**json.loads(tiny_profile().model_dump_json()), **changes}


def profile(**changes: Any) -> Profile:
    """The tiny profile with top-level fields replaced."""
    return Profile.model_validate_json(json.dumps(document(**changes)))


def variant(kind: str = "two_sided", season: str = "none") -> Profile:
    """The tiny profile, its inputs perhaps whitened: flow goes up and pressure down in an anomaly."""
    sensors = document()["sensors"]
    sensors[0]["direction"], sensors[1]["direction"] = "up", "down"
    return profile(
        sensors=sensors,
        scoring={"last_steps": 3, "ridge": 0.1, "whiten": kind == "whitened"},
        season={"kind": season, "utc_offset_h": 1.5},
    )


def meter() -> Profile:
    """A meter that is read four times a day; what a denoising network takes from a week of it is scored."""
    single = [
        {"kind": "log", "name": f"quarter_{3 - ago}", "sensor": "energy", "ago": ago, "offset": 0.1} for ago in range(4)
    ]
    day = {"kind": "log", "name": "day", "sensor": "energy", "span": 4, "offset": 0.1, "weight": 0}
    rough = {"kind": "log", "name": "roughness", "sensor": "energy", "quantity": "steps", "span": 4, "offset": 0.1}
    before = {"kind": "log", "name": "before", "sensor": "energy", "span": 8, "ago": 4, "offset": 0.1, "weight": 0}
    return profile(
        name="meter",
        sensors=[
            {"name": "energy", "unit": "kWh", "valid_range": [0, 1000], "smallest_deviation": 1, "score_level": False}
        ],
        derived=[*single[::-1], day, {**rough, "weight": 2}, before],
        interval_s=6 * 3600,
        window={"steps": 7, "step": 4, "stride": 4, "phase": 3},
        season={"kind": "hour_of_week"},
        scoring={"kind": "removed", "last_steps": 1, "whole_window": 1.5},
    )


@st.composite
def small_profiles(draw: st.DrawFn) -> Profile:
    """Two sensors, and windows of a few rows in every form: steps, aggregation, stride, memory, gaps."""
    span, ago = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    interval, stride = draw(st.sampled_from([1, 60, 900])), draw(st.integers(1, 4))
    change = {"kind": "change", "name": "flow_change", "sensor": "flow", "span": span}
    log = {"kind": "log", "name": "flow_log", "sensor": "flow", "span": 2, "ago": ago, "offset": 0.1}
    log["quantity"] = draw(st.sampled_from(["mean", "steps"]))
    return profile(
        interval_s=interval,
        derived=[*([change] if span else []), *([log] if draw(st.booleans()) else [])],
        window={
            "steps": draw(st.integers(2, 4)),
            "step": draw(st.integers(1, 3)),
            "aggregate": draw(st.integers(1, 3)),
            "stride": stride,
            "phase": draw(st.integers(0, stride - 1)),
        },
        imputation={"longest_gap": draw(st.integers(0, 3))},
        scoring={"last_steps": 1},
        stream={"allowed_lateness_s": interval * draw(st.integers(0, 6))},
    )


def measured(n: int, seed: int, *, missing: float = 0.05, wrong: float = 0.05) -> Float:
    """(n, 2) values of the tiny sensors: some are missing, some out of the sensors' ranges."""
    rng = np.random.default_rng(seed)
    values = np.array([50.0, 5.0]) + rng.normal(size=(n, 2))
    values[rng.random((n, 2)) < missing] = np.nan
    values[rng.random((n, 2)) < wrong] = 1e4
    return values


def laid(of: Profile, at: Int, values: Float, until: int | None = None) -> series.Series:
    """Readings at grid slots `at` as a series, up to the last of them or to the slot `until`."""
    return series.on_grid(of, np.asarray(at, dtype=np.int64), values, until=until)


def assert_same(found: Windows, expected: Windows) -> None:
    """Both hold exactly the same windows, to the last bit."""
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(found, name), array, err_msg=name)
