"""Every picture is drawn, of usual and of odd data, and says what it shows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from aiot_anomaly.training import exploration, plots
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.injection import Response
from aiot_anomaly.training.latent import project
from aiot_anomaly.training.plots import canvas
from aiot_anomaly.training.standing import Standing
from aiot_anomaly.training.thresholds import cost, peaks, rules
from tests.aiot_anomaly.training import hourly
from tests.aiot_anomaly.training.thresholds.made import exponential, held

OF = hourly.profile()
VALUES = hourly.usual(hourly.grid())


@pytest.fixture(autouse=True)
def drawn():
    """Each figure is drawn as it will be shown, and fails here if it cannot be or has no title."""
    plt.switch_backend("Agg")
    yield
    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    for figure in figures:
        figure.canvas.draw()
        assert figure.get_suptitle() or any(axis.get_title() for axis in figure.axes if axis.get_visible())


def marked():
    labels = np.zeros(len(VALUES), dtype=bool)
    labels[-50:-20] = True
    return labels


def devices(kind):
    values = VALUES.copy()
    if kind == "one sensor missing":
        values[:, 1] = np.nan
    elif kind == "constant":
        values[:] = 40.0
    return hourly.device(OF, values, marked() if kind == "labelled" else None)


@pytest.mark.parametrize("kind", ["labelled", "one sensor missing", "constant"])
def test_recordings(kind):
    device = devices(kind)
    data = hourly.dataset(OF, device, hourly.device(OF, VALUES, name="b"))
    plots.sensors(OF, device)
    plots.completeness(data)
    plots.distributions(data)
    plots.daily_shape(OF, device)
    plots.autocorrelations(OF, device)
    plots.correlation(OF, device)
    if kind == "labelled":
        plots.label_shifts(exploration.label_shifts(data))


def test_units_stand_at_the_axes():
    figure = plots.sensors(OF, devices("labelled"))
    assert [axis.get_ylabel() for axis in figure.axes] == ["main\n[L/s]", "pressure\n[m]"]


def test_many_sensors_stay_legible():
    names = [f"sensor_{i}" for i in range(200)]
    windows = np.random.default_rng(0).normal(size=(2, 20, 200))
    figure = plots.reconstruction(names, *windows, title="many")
    assert sum(axis.get_visible() for axis in figure.axes) == canvas.MOST_PANELS
    _, axis = plt.subplots()
    axis.set(title="names", xlabel="sensors")
    canvas.names(axis, names)
    assert len(axis.get_yticks()) <= canvas.MOST_NAMES


def test_a_long_line_keeps_its_peaks_and_its_gaps():
    values = np.zeros(1_000_000)
    values[[123_456, 700_001]] = [9.0, -4.0]
    values[300_000:400_000] = np.nan
    at, kept = canvas.envelope(np.arange(len(values)), values)
    assert len(kept) <= canvas.MOST_POINTS
    assert (np.nanmax(kept), np.nanmin(kept)) == (9.0, -4.0)
    assert np.isnan(kept[(at > 310_000) & (at < 390_000)]).all()
    assert (np.diff(at) >= 0).all()


@pytest.mark.parametrize("sensors", [2, 20])
def test_networks(sensors):
    rng = np.random.default_rng(0)
    plots.losses({"loss": [3.0, 2.0], "val_loss": [2.0, 2.5]})
    plots.latent(project(rng.normal(size=(50, 3)), rng.normal(size=(0, 3))))
    names = [f"s{i}" for i in range(sensors)]
    shares = rng.random((3, sensors))
    shares[0, 0] = np.nan
    plots.residual_by_sensor(names, shares)
    pictured = [OF.sensors[0].model_copy(update={"name": n}) for n in names]
    of = OF.model_copy(update={"sensors": tuple(pictured)})
    plots.response(of, Response(np.array([1.0, 2.0]), rng.gamma(1.0, size=(sensors, 2)), np.eye(sensors)))


@pytest.mark.parametrize("scores", [exponential(3000), np.zeros(300)])
def test_thresholds(scores):
    of = held(scores, scores[::-1], false_incidents_per_month=100.0)
    chosen = rules.choose(of)
    values = {name: c.value for name, c in rules.every(of).items()}
    plots.held_back_scores(of.scores, values, "budget")
    plots.tails(of.scores, peaks.tail(of.scores, 0.01), values, "budget")
    false = cost.false_alarms(of, chosen.value)
    plots.budget(false, values, "budget", of.device_months)
    missed = cost.missed_deviations({1.0: scores, 4.0: 4 * scores}, false.index)
    plots.missed_by_size(missed, false["above"], false.index[3])
    labelled = Scored("a", 120 * np.arange(len(scores)), scores, np.arange(len(scores)) % 100 > 90)
    plots.cost(cost.by_events(of.profile, [labelled], chosen.value), chosen.value)


def test_own_against_fleet_shows_devices_without_any_score_above_nothing():
    plots.own_against_fleet(pd.DataFrame({"99 %, own": [0.0, 0.5], "99 %, fleet": [0.2, 40.0]}, index=["a", "b"]))


def test_comparisons():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 100 > 80
    one = Scored("a", 120 * np.arange(400), np.where(labels, 2.0, 0.5) + rng.random(400), labels)
    plots.scores_over_time(one)
    plots.precision_recall({name: [one] for name in "abcdefgh"})
    nan = float("nan")
    plots.differences([Standing("a", 0.1, 0.05, 0.2, 1.0), Standing("b", -0.1, nan, nan, nan)], "network")
