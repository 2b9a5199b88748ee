"""Times as people write them, read as the same seconds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly.datasets import times
from aiot_anomaly.errors import DatasetError

NOON = 1_772_884_800  # 2026-03-07T12:00:00Z


@pytest.mark.parametrize(
    "cells",
    [
        ["2026-03-07T12:00:00Z", "2026-03-07 12:00:30"],
        ["2026-03-07T14:00:00+02:00", "2026-03-07T07:00:30-05:00"],
        ["07/03/2026 12:00:00", "07/03/2026 12:00:30"],
        ["07.03.26 12:00", "07.03.26 12:00:30"],
        ["2026/3/7 12:00:00 PM", "2026/3/7 12:00:30 pm"],
        ["Mar 7 2026 12:00:00", "Mar 7 2026 12:00:30"],
        [NOON, NOON + 30],
        [NOON * 1_000, (NOON + 30) * 1_000],
        [NOON * 1_000_000, (NOON + 30) * 1_000_000],
        [float(NOON), NOON + 30.0],
        pd.to_datetime([NOON, NOON + 30], unit="s", utc=True).tz_convert("Europe/Berlin"),
    ],
    ids=str,
)
def test_each_way_to_write_a_time_is_the_same_time(cells: list[object]) -> None:
    column = pd.Series(cells)
    first = times.day_comes_first(column)
    # the days of both dates are below 13: which part is the day is known to the person alone
    found = times.seconds(column, where="x", day_first=None if first is None else True)
    assert found.tolist() == [NOON, NOON + 30]


def test_a_number_above_twelve_tells_the_day_from_the_month() -> None:
    assert times.day_comes_first(pd.Series(["01/02/2026", "28/02/2026"])) is True
    assert times.day_comes_first(pd.Series(["02/01/2026", "02/28/2026"])) is False


def test_the_order_of_the_rows_tells_the_day_from_the_month() -> None:
    hours = pd.date_range("2026-01-01", periods=10 * 24, freq="h")
    assert times.day_comes_first(pd.Series(hours.strftime("%d/%m/%Y %H:%M"))) is True
    assert times.day_comes_first(pd.Series(hours.strftime("%m/%d/%Y %H:%M"))) is False


def test_iso_has_no_such_question() -> None:
    assert times.day_comes_first(pd.Series(["2026-01-02", "2026-01-03"])) is None


def test_an_empty_cell_is_no_time() -> None:
    found = times.seconds(pd.Series(["22/11/2026 19:00", None]), where="x")
    assert found[0] == 1_795_374_000
    assert np.isnan(found[1])


@pytest.mark.parametrize("cells", [["soon", "2026-01-01"], [True, False], ["31/02/2026", "01/03/2026"]])
def test_what_is_no_time_is_refused(cells: list[object]) -> None:
    with pytest.raises(DatasetError, match=r"column t: .*expected ISO 8601"):
        times.seconds(pd.Series(cells), where="column t")
