from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pytest

from simulator import drawing, fraud, meter_plots, meters
from simulator.clock import DAY_S
from simulator.fraud import Fraud, device_name
from simulator.meters import Meter


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def stolen(monday: int, kind: str) -> Meter:
    """Two weeks of a household whose meter is wrong in the second."""
    theft = Fraud(device_name(3), kind, monday + 7 * DAY_S, monday + 14 * DAY_S)
    (meter,) = meters.simulate([3], monday, monday + 14 * DAY_S, frauds=[theft], kinds=["household"], seed=7)
    return meter


def line(axis: Any, color: str) -> Any:
    (found,) = [x for x in axis.get_lines() if x.get_color() == color]
    return found


def test_every_kind_of_fraud_has_words() -> None:
    assert tuple(meter_plots.REPORTED) == fraud.TYPES


@pytest.mark.parametrize("kind", ["h2", "silent"])
def test_what_is_metered_is_shown_from_three_days_before_the_fraud_to_four_after(monday: int, kind: str) -> None:
    meter = stolen(monday, kind)
    axis = meter_plots.frauds([meter]).axes[0]
    shown = slice(4 * 24, 11 * 24)
    np.testing.assert_array_equal(line(axis, drawing.CHANGED).get_ydata(), meter.metered[shown])
    assert mdates.date2num(line(axis, "black").get_xdata())[0] == meter.truth[0].start / DAY_S
    (filled,) = axis.collections
    top = filled.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(meter.consumed[shown].max())


def test_a_title_says_how_much_is_missing_or_too_much(monday: int) -> None:
    kinds = [stolen(monday, kind) for kind in ("h5", "dead", "stuck")]
    titles = [axis.get_title(loc="left") for axis in meter_plots.frauds(kinds).axes]
    too_much = round(-100 * kinds[2].truth[0].size)
    assert titles[:2] == ["h5 (the day's mean): 0 % not metered", "dead (zero): 100 % not metered"]
    assert too_much > 0
    assert titles[2] == f"stuck (the last reading again): {too_much} % metered in excess"


def test_an_odd_number_of_meters_leaves_no_empty_picture(monday: int) -> None:
    figure = meter_plots.frauds([stolen(monday, "dead")] * 3)
    assert [axis.get_visible() for axis in figure.axes] == [True] * 3 + [False]


def test_each_consumer_is_shown_with_its_kind_its_energy_and_the_weekends(monday: int) -> None:
    kinds = ("household", "shop")
    shown = [m for kind in kinds for m in meters.simulate([3], monday, monday + 14 * DAY_S, kinds=[kind], seed=7)]
    for axis, meter in zip(meter_plots.consumers(shown).axes, shown, strict=True):
        assert axis.get_title(loc="left") == f"{meter.kind}: {meter.consumed.sum():,.0f} kWh in 14 days"
        np.testing.assert_array_equal(line(axis, drawing.USUAL).get_ydata(), meter.consumed)
        spans = [p.get_extents().transformed(axis.transData.inverted()).x0 for p in axis.patches]
        np.testing.assert_allclose(spans, [monday / DAY_S + day for day in (5, 6, 12, 13)])
