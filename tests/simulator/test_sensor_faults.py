from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.datasets.fleet import Fleet
from simulator import sensor_faults, water
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.sensor_faults import SensorFault, distorted

END = 1_769_990_400  # 2026-02-02T00:00:00Z
TIMES = np.arange(0, 4 * DAY_S, 900)


def fault(kind: sensor_faults.Kind, size: float, sensor: str = "pressure_2_m", begin: int = DAY_S) -> SensorFault:
    return SensorFault(kind, "dma-01", sensor, size, begin, begin + 2 * DAY_S, anomalous=kind in ("drift", "stuck"))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("drift:DMA-01/pressure_2_m=-0.5:-10d:2", ("drift", "pressure_2_m", -0.5, True)),
        ("stuck:dma-01/inflow_lps:-10d:2", ("stuck", "inflow_lps", 0.0, True)),
        ("stuck:dma-01/inflow_lps:-10d:2,normal", ("stuck", "inflow_lps", 0.0, False)),
        ("dropout:dma-01/pressure_1_m=0.2:2026-01-23T00:00Z:2", ("dropout", "pressure_1_m", 0.2, False)),
        ("noise:dma-01/pressure_1_m=0.2:-10d:2,anomalous", ("noise", "pressure_1_m", 0.2, True)),
    ],
)
def test_a_fault_is_read_from_one_word(spec: str, expected: tuple[sensor_faults.Kind, str, float, bool]) -> None:
    kind, sensor, size, anomalous = expected
    start = END - 10 * DAY_S
    assert sensor_faults.parse(spec, end=END) == SensorFault(
        kind, "dma-01", sensor, size, start, start + 2 * DAY_S, anomalous
    )


@pytest.mark.parametrize(
    "spec",
    ["", "rust:dma-01/inflow_lps=1:-5d:1", "stuck:dma-01/inflow_lps=3:-5d:1", "drift:dma-01/inflow_lps:-5d:1",
     "dropout:dma-01/inflow_lps=2:-5d:1", "noise:dma-01/inflow_lps=-1:-5d:1", "noise:dma-01=1:-5d:1"],
)  # fmt: skip
def test_what_is_not_a_fault_is_refused(spec: str) -> None:
    with pytest.raises(SimulatorError):
        sensor_faults.parse(spec, end=END)


@given(values=st.lists(st.floats(0, 200), min_size=len(TIMES), max_size=len(TIMES)), size=st.floats(0.01, 1))
def test_a_fault_changes_what_its_formula_says_while_it_lasts(values: list[float], size: float) -> None:
    sound, during = np.array(values), (TIMES >= DAY_S) & (TIMES < 3 * DAY_S)
    normal, uniform = np.random.default_rng(0).standard_normal(len(TIMES)), np.random.default_rng(0).random(len(TIMES))
    days = (TIMES - DAY_S) / DAY_S
    rounded = distorted(fault("quantisation", size), TIMES, sound, 0, normal)
    assert np.all(np.abs(rounded - sound) <= size / 2 + 1e-9)
    np.testing.assert_allclose(rounded[during] / size, np.round(rounded[during] / size), atol=1e-6)
    drifting = distorted(fault("drift", -size), TIMES, sound, 0, normal)
    np.testing.assert_allclose((drifting - sound)[during], -size * days[during], atol=1e-9)
    assert np.all(distorted(fault("stuck", 0), TIMES, sound, 42, normal)[during] == 42)
    noisy = distorted(fault("noise", size), TIMES, sound, 0, normal)
    np.testing.assert_allclose((noisy - sound)[during], size * normal[during], atol=1e-9)
    lossy = distorted(fault("dropout", size), TIMES, sound, 0, uniform)
    np.testing.assert_array_equal(np.isnan(lossy[during]), uniform[during] < size)
    for reported in (rounded, drifting, noisy, lossy):
        np.testing.assert_array_equal(reported[~during], sound[~during])


def test_faults_spare_other_sensors_and_do_not_depend_on_where_the_range_begins(fortnight: Fleet, monday: int) -> None:
    faults = [
        fault("stuck", 0, "pressure_1_m", monday + 3 * DAY_S + 450),
        fault("dropout", 0.3, "inflow_lps", monday + 3 * DAY_S),
        fault("noise", 0.5, "pressure_5_m", monday + 3 * DAY_S),
    ]
    whole = water.simulate([1], monday, monday + 7 * DAY_S, seed=7, faults=faults)
    part = water.simulate([1], monday + 4 * DAY_S, monday + 6 * DAY_S, seed=7, faults=faults).recordings[0]
    (r,), sound = whole.recordings, fortnight.recordings[0].values[: 7 * 96]
    at = slice(4 * 96, 6 * 96)
    np.testing.assert_array_equal(r.values[at], part.values)
    during = slice(3 * 96 + 1, 5 * 96)
    np.testing.assert_array_equal(r.values[during, 1], sound[3 * 96 + 1, 1])
    np.testing.assert_array_equal(r.values[:, 2:5], sound[:, 2:5])
    assert np.isnan(r.values[3 * 96 : 5 * 96, 0]).mean() == pytest.approx(0.3, abs=0.1)
    assert np.std((r.values - sound)[during, 5]) == pytest.approx(0.5, rel=0.2)
    assert {(t.sensor, t.kind, t.anomalous) for t in whole.truth} == {
        ("pressure_1_m", "stuck", True), ("inflow_lps", "dropout", False), ("pressure_5_m", "noise", False)
    }  # fmt: skip
    assert r.labels is not None
    assert r.labels.sum() == 2 * 96


def test_random_faults_are_the_same_for_a_district_whoever_is_with_it() -> None:
    start = END - 28 * DAY_S
    both = sensor_faults.random_faults([3, 4], water.SENSORS, start, END, each=5, seed=1)
    assert [f for f in both if f.device_id == "dma-04"] == sensor_faults.random_faults(
        [4], water.SENSORS, start, END, each=5, seed=1
    )
    assert {f.kind for f in both} == {"quantisation", "drift", "stuck", "dropout", "noise"}


def test_a_fault_of_no_sensor_is_refused(monday: int) -> None:
    with pytest.raises(SimulatorError, match="expected one of inflow_lps"):
        water.simulate(1, monday, monday + DAY_S, faults=[fault("stuck", 0, "altitude", monday)])
