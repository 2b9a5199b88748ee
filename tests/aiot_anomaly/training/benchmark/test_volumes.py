"""The volume is asked for in one place, and left out where this release cannot compute it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from aiot_anomaly.training.benchmark import volumes
from aiot_anomaly.training.evaluation import Scored

SCORED = [Scored("a", np.arange(3), np.ones(3), np.array([False, True, False]))] * 3


def test_it_is_the_mean_of_the_devices_that_have_one(monkeypatch):
    module = SimpleNamespace(volumes=lambda scored: np.array([0.2, np.nan, 0.6])[: len(scored)])
    monkeypatch.setattr(volumes, "_module", lambda: module)
    assert volumes.measured(SCORED) == {"vus_pr": pytest.approx(0.4)}
    assert volumes.of_some(volumes.of_each(SCORED)[np.array([1, 1])]) == {}


def test_without_the_library_there_is_none(monkeypatch):
    monkeypatch.setattr(volumes, "_module", lambda: None)
    assert volumes.measured(SCORED) == {}
    assert len(volumes.of_each(SCORED)) == 0
