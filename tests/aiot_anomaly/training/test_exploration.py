"""What is said of a recording before any model, against what was put into it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly.training import exploration
from tests.aiot_anomaly.training import hourly
from tests.aiot_anomaly.training.hourly import HOUR, TEST_D, TRAIN_D

OF = hourly.profile()


def usual(**changes):
    return hourly.device(OF, hourly.usual(hourly.grid()), **changes)


def test_a_series_with_a_period_resembles_itself_a_period_before():
    found = exploration.autocorrelation(np.sin(2 * np.pi * np.arange(2400) / 24), 48)
    assert found[0] == pytest.approx(1.0)
    assert found[24] == pytest.approx(1.0, abs=0.03)
    assert found[12] == pytest.approx(-1.0, abs=0.03)


def test_missing_values_change_little_of_it_and_constant_series_resemble_nothing():
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=4000))
    holed = np.where(rng.random(4000) < 0.2, np.nan, values)
    np.testing.assert_allclose(
        exploration.autocorrelation(holed, 50), exploration.autocorrelation(values, 50), atol=0.02
    )
    assert not exploration.autocorrelation(np.full(100, 7.0), 5).any()
    assert not exploration.autocorrelation(np.full(100, np.nan), 5).any()


def test_the_hour_of_the_week_explains_a_daily_rhythm_and_no_noise():
    found = exploration.rhythms(OF, usual())
    assert found.loc["main", "hour of week"] > 0.99
    assert found.loc["main", "a day before"] > 0.9
    assert abs(found.loc["pressure", "a day before"]) < 0.15
    assert found.loc["pressure", "hour of week"] < 0.2


def test_what_is_too_short_for_a_rhythm_is_not_told():
    found = exploration.rhythms(OF, hourly.device(OF, hourly.usual(hourly.grid(2)), train_d=1))
    assert found.isna().all(axis=None)


def test_only_the_training_part_says_what_is_normal():
    values = hourly.usual(hourly.grid())
    later = values.copy()
    later[TRAIN_D * 24 :] += 500
    one, other = (hourly.dataset(OF, hourly.device(OF, v)) for v in (values, later))
    pd.testing.assert_frame_equal(exploration.sensors(one), exploration.sensors(other))
    pd.testing.assert_frame_equal(exploration.rhythms(OF, one.devices[0]), exploration.rhythms(OF, other.devices[0]))


def test_sensors_are_summed_up_in_their_units():
    values = hourly.usual(hourly.grid())
    values[:, 1] = 40.0
    values[: TRAIN_D * 12, 0] = np.nan
    found = exploration.sensors(hourly.dataset(OF, hourly.device(OF, values)))
    assert found.loc["pressure", ["unit", "median", "constant", "missing"]].tolist() == ["m", 40.0, 1.0, 0.0]
    assert found.loc["main", "missing"] == pytest.approx(0.5)
    assert found.loc["main", "1 %"] == pytest.approx(20, abs=2)


def test_holes_and_readings_are_counted():
    at = np.delete(np.arange((TRAIN_D + TEST_D) * 24), [100, 101, 102, 500])
    values = hourly.usual(hourly.START + HOUR * at)
    recording = hourly.Recording("a", hourly.START + HOUR * at, values, None, TRAIN_D * 24 - 4)
    device = hourly.prepare(OF, recording)
    assert sorted(exploration.holes(device).tolist()) == [1, 3]
    row = exploration.overview(hourly.dataset(OF, device)).loc["a"]
    assert (row["readings"], row["longest hole [s]"]) == (len(at), 3 * HOUR)
    assert row["missing"] == pytest.approx(4 / (len(at) + 4), abs=1e-4)
    assert row["part"] == "monitored"


def test_label_shifts_are_in_deviations_of_the_training_part():
    values = hourly.usual(hourly.grid())
    values[:, 0] = 40 + np.random.default_rng(1).normal(0, 2, len(values))
    marks = np.zeros(len(values), dtype=bool)
    marks[-60:] = True
    values[marks, 0] += 10
    device = hourly.device(OF, values, marks)
    found = exploration.label_shifts(hourly.dataset(OF, device, usual(name="b")))
    assert found.index.tolist() == ["a"]
    assert found.loc["a", "main"] == pytest.approx(5, abs=0.6)
    assert abs(found.loc["a", "pressure"]) < 1
    assert exploration.marked(OF, device).sum() == 60


def test_without_labels_there_are_no_shifts():
    assert exploration.label_shifts(hourly.dataset(OF, usual())).shape == (0, 2)
