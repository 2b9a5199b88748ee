"""Histograms that are counted in bulk say what counting one by one would."""

from __future__ import annotations

import numpy as np
import pytest

from serving.histograms import _PENDING, Histograms


@pytest.mark.parametrize("n", [1, _PENDING - 1, _PENDING, 3 * _PENDING + 7])
def test_each_number_is_counted_once_in_the_bucket_that_it_does_not_exceed(n):
    values = np.random.default_rng(n).integers(0, 5, n) / 2
    found = Histograms("seconds", "Of what.", "route", (0.5, 1.0))
    found.add("idle", [])
    for value in values.tolist():
        found.add("busy", [value])
    for _ in range(2):  # a second look adds nothing
        (family,) = found.collect()
        value = {(s.name, s.labels["route"], s.labels.get("le")): s.value for s in family.samples}
        assert value["seconds_bucket", "busy", "0.5"] == (values <= 0.5).sum()
        assert value["seconds_bucket", "busy", "1.0"] == (values <= 1.0).sum()
        assert value["seconds_bucket", "busy", "+Inf"] == value["seconds_count", "busy", None] == n
        assert value["seconds_sum", "busy", None] == pytest.approx(values.sum())
        assert value["seconds_count", "idle", None] == 0
