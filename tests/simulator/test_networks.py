from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.demand import Demand
from simulator.district import PRESSURES, District, Outflow
from simulator.errors import SimulatorError
from simulator.networks import NETWORKS, SOURCE, gravity

STEPS = 48
INTERVAL_S = 1800


def demanded(seed: int) -> NDArray[np.float64]:
    return Demand.of(seed, 1, INTERVAL_S).days([20_000])


@pytest.mark.parametrize(("name", "junctions"), [("net3", 92), ("ky4", 956)])
def test_a_network_has_one_source_and_pipes_only(name: str, junctions: int) -> None:
    wn, demands = gravity(name)
    assert len(demands) == wn.num_junctions == junctions
    assert wn.reservoir_name_list == [SOURCE]
    assert wn.num_tanks == wn.num_pumps == wn.num_valves == 0
    assert sum(demands.values()) > 0


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SimulatorError, match="expected one of net3, ky4"):
        gravity("atlantis")


@pytest.mark.parametrize("name", NETWORKS)
def test_inflow_is_demand_plus_leakage_at_every_step(name: str) -> None:
    # nothing is stored: there is no tank
    network, drawn = District.of(3, 1, name), demanded(3)
    growing = np.linspace(0, 1, STEPS)
    leaks = [
        Outflow(network.leaky[0], 0.05 * network.mean_inflow, growing),
        Outflow(network.leaky[-1], 0.005 * network.mean_inflow, np.ones(STEPS)),
    ]
    inflow = network.run(drawn, INTERVAL_S, leaks)[:, 0]
    leaking = (0.05 * growing + 0.005) * network.mean_inflow
    # the solver balances flows to 1e-5 of the whole, and multipliers are handed over with six decimals
    np.testing.assert_allclose(inflow, network.base.sum(axis=1) @ drawn + leaking, rtol=2e-5)


def test_a_leak_through_an_orifice_flows_with_the_root_of_the_pressure() -> None:
    network, drawn = District.of(3, 2), demanded(3)
    node = network.sensors[2]
    opening = np.where(np.arange(STEPS) < 10, 0.0, 1.0)
    size = 0.1 * network.mean_inflow
    with_leak = network.run(drawn, INTERVAL_S, [Outflow(node, size, opening, orifice=True)])
    without = District.of(3, 2).run(drawn, INTERVAL_S)
    nominal = network.nominal_pressure[network.junctions.index(node)]
    expected = opening * size * np.sqrt(with_leak[:, 3] / nominal)
    np.testing.assert_allclose(with_leak[:, 0] - without[:, 0], expected, atol=2e-5 * without[:, 0].max())
    np.testing.assert_array_equal(with_leak[:10], without[:10])


@pytest.mark.parametrize("name", NETWORKS)
def test_pressures_fall_as_the_sensitivity_matrix_says(name: str) -> None:
    """The derivative of heads to withdrawals from the linearised network (Pudar and Liggett 1992), against EPANET's."""
    network = District.of(5, 1, name)
    flat, interval_s = np.ones((3, 4)), 21_600
    # small against what flows in the last pipe to the junction too
    leak = 0.005 * network.mean_inflow
    chosen = [*network.sensors, *network.leaky[:: len(network.leaky) // 3]]
    before = network.run(flat, interval_s)[0, 1:]
    falls = np.array(
        [before - District.of(5, 1, name).run(flat, interval_s, [Outflow(n, leak, flat[0])])[0, 1:] for n in chosen]
    )
    expected = (
        leak
        * sensitivity(network)[
            np.ix_([network.junctions.index(n) for n in chosen], [network.junctions.index(n) for n in network.sensors])
        ]
    )
    assert falls.shape == (len(chosen), PRESSURES)
    assert np.all(falls > 0)
    # a leak of 0.5 % is not infinitely small
    np.testing.assert_allclose(falls, expected, rtol=0.1, atol=2e-3)
    for fall, said in zip(falls, expected, strict=True):
        clear = np.abs(np.subtract.outer(said, said)) > 0.1 * said.max()
        assert np.all(np.sign(np.subtract.outer(fall, fall))[clear] == np.sign(np.subtract.outer(said, said))[clear])


def sensitivity(network: District) -> NDArray[np.float64]:
    """(J, J) metres by which the head at a junction falls for each L/s that is withdrawn at another, at mean demand."""
    wn, index = network.network, {name: i for i, name in enumerate(network.junctions)}
    count = len(index)
    # Newton's method on the junctions' heads, with the law of Hazen and Williams in SI units
    ends = np.array([[index.get(n, count) for n in (p.start_node_name, p.end_node_name)] for _, p in wn.pipes()])
    resistance = np.array([10.667 * p.length / (p.roughness**1.852 * p.diameter**4.871) for _, p in wn.pipes()])
    demand = network.base.sum(axis=0) / 1000
    incidence = np.zeros((len(ends), count + 1))
    incidence[np.arange(len(ends)), ends[:, 0]] = 1
    incidence[np.arange(len(ends)), ends[:, 1]] -= 1
    source = wn.get_node(SOURCE).base_head
    inner, flow = incidence[:, :count], np.full(len(ends), demand.sum() / 10)
    for _ in range(60):
        slope = np.maximum(1.852 * resistance * np.abs(flow) ** 0.852, 1e-6)
        loss = resistance * flow * np.abs(flow) ** 0.852
        target = flow + (incidence[:, count] * source - loss) / slope
        conductance = inner.T @ (inner / slope[:, None])
        heads = np.linalg.solve(conductance, -demand - inner.T @ target)
        before, flow = flow, target + (inner @ heads) / slope
        if np.allclose(before, flow, rtol=1e-6, atol=1e-9):
            break
    return np.asarray(np.linalg.inv(conductance) / 1000)
