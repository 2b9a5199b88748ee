from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.datasets.fleet import Fleet
from simulator import events, water
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.events import Event

END = 1_769_990_400  # 2026-02-02T00:00:00Z


def test_an_event_is_read_from_one_word_and_all_means_every_district() -> None:
    assert events.parse("flushing:DMA-02@15:30%:-3d:0.125", [1, 2], end=END) == [
        Event("flushing", "dma-02", 0.3, END - 3 * DAY_S, END - 3 * DAY_S + 10_800, "15")
    ]
    waves = events.parse("heat-wave:all:20%:2026-01-25T00:00Z:5", [1, 2], end=END)
    assert waves == [Event("heat-wave", f"dma-0{n}", 0.2, END - 8 * DAY_S, END - 3 * DAY_S) for n in (1, 2)]


@pytest.mark.parametrize(
    "spec", ["", "party:all:20%:-5d:1", "heat-wave:all:-5d:1", "heat-wave:all:0%:-5d:1", "flushing:all:10%:-5d:0"]
)
def test_what_is_not_an_event_is_refused(spec: str) -> None:
    with pytest.raises(SimulatorError):
        events.parse(spec, [1], end=END)


@given(start=st.integers(0, 10**6), lasts=st.integers(1, 10**6), size=st.floats(0.01, 2))
def test_a_heat_wave_is_within_its_bounds_and_nowhere_else(start: int, lasts: int, size: float) -> None:
    wave = Event("heat-wave", "dma-01", size, start, start + lasts)
    times = np.array([start - 1, start, start + lasts // 2, start + lasts - 1, start + lasts, start + lasts + 1])
    strength = wave.strength(times)
    assert strength[[0, -2, -1]].tolist() == [0, 0, 0]
    assert np.all((strength >= 0) & (strength <= 1))


def test_random_events_are_the_same_for_a_district_whoever_is_with_it() -> None:
    start = END - 28 * DAY_S
    both = events.random_events([3, 4], start, END, each=4, seed=1)
    assert [e for e in both if e.device_id == "dma-04"] == events.random_events([4], start, END, each=4, seed=1)
    assert both != events.random_events([3, 4], start, END, each=4, seed=2)
    assert {e.kind for e in both} == {"heat-wave", "flushing"}
    with pytest.raises(SimulatorError, match="8 days"):
        events.random_events([3], END - DAY_S, END, each=1, seed=1)


def test_a_heat_wave_a_flushing_and_a_holiday_move_the_readings_and_are_on_record_as_normal(
    fortnight: Fleet, monday: int
) -> None:
    # the fixture begins on 2026-02-02; Carnival in Brazil is on 16 and 17 February
    usual = water.simulate([1], monday, monday + 16 * DAY_S, seed=7).recordings[0]
    wave = Event("heat-wave", "dma-01", 0.2, monday + 2 * DAY_S, monday + 6 * DAY_S)
    flushing = Event("flushing", "dma-01", 0.3, monday + 9 * DAY_S + 3600, monday + 9 * DAY_S + 10_800)
    fleet = water.simulate([1], monday, monday + 16 * DAY_S, seed=7, events=[wave, flushing], holidays="BR")
    (r,) = fleet.recordings
    assert r.labels is not None
    assert not r.labels.any()
    assert [(t.kind, t.anomalous) for t in fleet.truth] == [
        ("heat wave", False), ("planned flushing", False), ("public holiday", False), ("public holiday", False)
    ]  # fmt: skip
    inflow = usual.values[:, 0]
    more = (r.values - usual.values)[:, 0] / inflow.mean()
    hot = (r.timestamps >= wave.start + DAY_S // 2) & (r.timestamps < wave.end - DAY_S // 2)
    # people draw 20 % more; what leaks in all normality, 12 to 19 % of the mean, does not
    assert 0.16 < more[hot].mean() / (inflow[hot].mean() / inflow.mean()) < 0.18
    flushed = (r.timestamps >= flushing.start) & (r.timestamps < flushing.end)
    assert more[flushed] == pytest.approx(0.3, abs=0.01)
    off = r.timestamps >= monday + 14 * DAY_S
    np.testing.assert_array_equal(r.values[~(hot | flushed | off)][-90:], usual.values[~(hot | flushed | off)][-90:])
    # on a day off the morning comes later
    assert r.values[off][:96, 0][20:48].argmax() > usual.values[off][:96, 0][20:48].argmax()
