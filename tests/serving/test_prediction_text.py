"""Predictions that are written column by column are those that are made one by one, to the last byte."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pytest

from aiot_anomaly.detector import records
from aiot_anomaly.inference import Scores
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import Windows
from serving import encoding
from serving.instances import Instances
from serving.prediction_text import PredictionText


def scored(n: int, sensors: int, rng: np.random.Generator) -> tuple[Instances, Scores]:
    ends = rng.integers(0, 4_000_000_000, n)
    outside = rng.random((n, sensors)) < 0.2
    windows = Windows(ends, np.empty((n, 1, sensors)), np.ones(n, dtype=bool), outside)
    sources = rng.choice(["fleet", "bundle", "device"], n).tolist()
    of = Instances([f"d-{i}:a.b" for i in range(n)], windows, [], sources, 1.0, [False] * n)
    # many shares are equal, and some beyond their bounds
    shares = rng.integers(-1, 4, (n, sensors)) / 2
    bands = rng.normal(size=(3, n, sensors)) * 10.0 ** rng.integers(-300, 300, (3, n, sensors))
    return of, Scores(rng.choice([0.0, 0.5, 1.0, 1.0000001, 3e38], n), shares, *bands)


@pytest.mark.parametrize("names", [("flow",), ("a", "b", "c"), ('quo"ted', "per%s", "ü", "back\\slash", "{}")])
@pytest.mark.parametrize("n", [1, 2, 64])
def test_they_are_the_records(n, names):
    rng = np.random.default_rng(n)
    profile = cast("Profile", SimpleNamespace(sensor_names=names))
    for _ in range(20):
        of, scores = scored(n, len(names), rng)
        expected = encoding.rows(records(profile, of.device_ids, of.windows, scores, of.sources))
        assert PredictionText(names).predictions(of, scores) == expected


def test_the_service_answers_the_same_alone_and_among_many(client, instance):
    given: list[dict[str, Any]] = [{**instance, "device_id": f"d-{i}"} for i in range(20)]
    given[3]["values"] = [[-999.0, *row[1:]] if i == 2 else row for i, row in enumerate(instance["values"])]
    given[5]["sensitivity"] = 100

    def answered(*instances: dict[str, Any]) -> list[Any]:
        body = orjson.dumps({"instances": instances})
        return client.post("/v1/models/tiny:predict", content=body).json()["predictions"]

    assert answered(*given) == [one for each in given for one in answered(each)]
