"""A device's own calibration beside the fleet's."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.training import candidates, fallback
from aiot_anomaly.training import dataset as datasets
from tests.aiot_anomaly.kinds import variant
from tests.aiot_anomaly.training import fleets

SHARE = 0.3


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    of = variant()
    return datasets.load(of, str(fleets.write(tmp_path_factory.mktemp("fleet"), of, {"a": 1, "b": 2})))


def test_the_fleets_calibration_is_of_all_devices_without_what_is_held_back(data):
    residuals = candidates.no_network(data.profile)
    found = fallback.fleet_calibration(data, residuals, SHARE)
    assert found.windows == sum(len(d.fitting(SHARE)) for d in data.pooled())


def test_a_device_that_is_unlike_the_fleet_alarms_until_it_has_its_own(data):
    residuals = candidates.no_network(data.profile)
    a, b = data.devices
    windows = type(b.windows)(**{**vars(b.windows), "values": b.windows.values + np.array([30.0, 0.0, 0.0])})
    mixed = type(data)(**{**vars(data), "devices": (*[a] * 120, type(b)(**{**vars(b), "windows": windows}))})
    own = candidates.held_back(mixed, residuals, SHARE)
    table = fallback.beside(own, fallback.by_fleet(mixed, residuals, SHARE), 2.0)
    assert table.index.tolist() == ["a", "b"]
    assert table.loc["b", "99 %, fleet"] > 1.5 * table.loc["b", "99 %, own"]
    assert table.loc["b", "above, own"] == np.mean(own.parts[-1].scores > 2.0)
    assert (table["median, own"] > 0).all()
