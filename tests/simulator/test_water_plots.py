from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from aiot_anomaly.datasets.fleet import Fleet, Truth
from simulator import drawing, sensor_faults, water, water_plots
from simulator.clock import DAY_S
from simulator.district import District
from simulator.errors import SimulatorError
from simulator.leak import Leak
from simulator.night_flow import NightFlow
from simulator.water_plots import Case


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def burst(monday: int) -> Fleet:
    leak = Leak("dma-01", 0.1, monday + 4 * DAY_S + 3600, monday + 6 * DAY_S)
    return water.simulate([1], monday, monday + 14 * DAY_S, leaks=[leak], seed=7)


@pytest.fixture(scope="module")
def case(fortnight: Fleet, burst: Fleet) -> Case:
    return Case.of("burst", fortnight, burst)


def lines(axis: Any, color: str) -> list[Any]:
    return [line for line in axis.get_lines() if to_hex(line.get_color()) == to_hex(color)]


def moments(line: Any) -> list[int]:
    """The line's x as unix seconds."""
    return [round(x * DAY_S) for x in mdates.date2num(line.get_xdata())]


def test_the_day_of_a_district_is_the_median_of_its_working_days_and_of_its_weekends(fortnight: Fleet) -> None:
    recording = fortnight.recordings[0]
    inflow, pressure = water_plots.ordinary_days(recording).axes
    days = recording.values.reshape(14, 96, 6)
    rest = np.arange(14) % 7 >= 5
    for color, chosen in ((drawing.USUAL, ~rest), (drawing.CHANGED, rest)):
        (line,) = lines(inflow, color)
        np.testing.assert_allclose(line.get_ydata(), np.median(days[chosen, :, 0], axis=0))
    drawn = [line.get_ydata() for line in pressure.get_lines()]
    np.testing.assert_allclose(drawn, np.median(days[~rest, :, 1:], axis=0).T)


def test_a_leak_is_shown_with_a_day_around_it_and_marked_where_it_is(case: Case) -> None:
    figure = water_plots.compared([case, case])
    inflow, added, pressure, lost = np.array(figure.axes).reshape(4, 2)[:, 1]
    for axis in (inflow, added, pressure, lost):
        marks = sorted(moments(line)[0] for line in lines(axis, "black"))
        assert marks == [case.truth.start, case.truth.end]
    (with_it,), (without,) = lines(inflow, drawing.CHANGED), lines(inflow, drawing.USUAL)
    times = moments(with_it)
    assert times[0] == case.truth.start - DAY_S
    assert times[-1] == case.truth.end + DAY_S - 900
    np.testing.assert_allclose(
        with_it.get_ydata() - without.get_ydata(), lines(added, drawing.CHANGED)[0].get_ydata(), atol=1e-9
    )


def test_the_differences_are_the_leak_and_nothing_before_or_after_it(case: Case) -> None:
    figure = water_plots.compared([case])
    (added,) = lines(figure.axes[1], drawing.CHANGED)
    times = np.array(moments(added))
    during = (times >= case.truth.start) & (times < case.truth.end)
    np.testing.assert_allclose(added.get_ydata()[during], 0.1 * District.of(7, 1).mean_inflow, atol=0.15)
    assert not np.any(added.get_ydata()[~during])
    drops = [line.get_ydata() for line in figure.axes[3].get_lines() if line.get_label().startswith("sensor ")]
    assert len(drops) == 5
    assert all(np.all(drop[during] < 0) and not np.any(drop[~during]) for drop in drops)


def test_the_pressure_that_is_shown_is_the_one_that_reacts_most(case: Case) -> None:
    means = np.abs(case.difference[case.during, 1:]).mean(axis=0)
    axis = water_plots.compared([case]).axes[2]
    assert axis.get_title(loc="left") == f"sensor {1 + means.argmax()}"
    assert lines(axis, drawing.USUAL)[0].get_ydata()[0] in case.usual.values[:, 1 + means.argmax()]


def test_a_case_without_an_event_or_of_other_readings_is_an_error(fortnight: Fleet, burst: Fleet) -> None:
    with pytest.raises(SimulatorError, match="burst: nothing is on record"):
        Case.of("burst", fortnight, fortnight)
    shorter = replace(burst, recordings=(burst.recordings[0].head(96),))
    with pytest.raises(SimulatorError, match="burst: 1344 readings beside 96; expected the same moments"):
        Case.of("burst", fortnight, shorter)


def test_each_district_has_a_line_of_nights_and_the_leaky_one_a_name(fortnight: Fleet, burst: Fleet) -> None:
    nights = [NightFlow.of(r) for r in (*burst.recordings, *fortnight.recordings[1:])]
    (axis,) = water_plots.night_flows(nights, burst.truth).axes
    assert len(lines(axis, drawing.QUIET)) == 2
    (leaky,) = lines(axis, drawing.CHANGED)
    np.testing.assert_allclose(leaky.get_ydata(), 100 * nights[0].relative)
    assert "dma-01: leak of 10 %" in [text.get_text() for text in axis.texts]
    assert [moments(line)[0] for line in lines(axis, "black")] == [burst.truth[0].start]


def test_each_fault_is_shown_in_its_own_sensor_beside_what_is_true(fortnight: Fleet, monday: int) -> None:
    end = monday + 14 * DAY_S
    specs = ("dropout:dma-01/pressure_5_m=0.4:-5d:2", "stuck:dma-01/inflow_lps:-5d:2")
    faults = [sensor_faults.parse(spec, end=end) for spec in specs]
    faulty = water.simulate([1], monday, end, faults=faults, seed=7)
    dropout, stuck = water_plots.sensor_faults(fortnight.recordings[0], faulty.recordings[0], faulty.truth).axes
    (reported,), (sound,) = lines(dropout, drawing.CHANGED), lines(dropout, drawing.USUAL)
    assert not np.isnan(sound.get_ydata()).any()
    assert np.isnan(reported.get_ydata()).sum() == np.isnan(faulty.recordings[0].values[:, 5]).sum() > 0
    held = lines(stuck, drawing.CHANGED)[0]
    during = np.isin(moments(held), range(end - 5 * DAY_S, end - 3 * DAY_S))
    assert len(set(held.get_ydata()[during])) == 1 < len(set(held.get_ydata()[~during]))
    assert dropout.get_title(loc="left") == "dropout of 40 % of the readings: no alarm is wanted"
    assert stuck.get_title(loc="left") == "stuck: an alarm is right"
    assert (dropout.get_ylabel(), stuck.get_ylabel()) == ("pressure 5\n[m]", "inflow\n[L/s]")


def test_an_event_is_shaded_from_its_start_to_its_end() -> None:
    _, axis = plt.subplots()
    drawing.mark(axis, Truth("dma-01", "leak", 2 * DAY_S, 5 * DAY_S, 0.1))
    (shade,) = axis.patches
    assert shade.get_extents().transformed(axis.transData.inverted()).intervalx.tolist() == pytest.approx([2, 5])
