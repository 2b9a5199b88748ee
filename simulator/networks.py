"""Networks that a district can have: models that WNTR ships, fed by gravity from one source.

Pumps, tanks, further sources and the water quality trace are taken out, so that the state at one moment depends on
the demand at that moment alone: no water is stored, and the inflow is demand plus leakage at every moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.errors import SimulatorError

#: the reservoir of every district
SOURCE = "River"
DEFAULT = "net3"


@dataclass(frozen=True)
class Network:
    """A model among those that WNTR ships (`wntr.library`), and where it is fed.

    Attributes:
        name: on the command line.
        model: WNTR's name for it.
        fed_at: the node that becomes the reservoir.
        source: where the model comes from.
    """

    name: str
    model: str
    fed_at: str
    source: str


#: ky10 and Net6, the other large ones, fall apart into pressure zones without their pumps and valves
NETWORKS = {
    n.name: n
    for n in (
        # without the pump at the river its bypass, pipe 330, takes its place: all pipes are open
        Network("net3", "Net3", "River", "EPANET example network 3 (Rossman 2000), 92 junctions, 114 pipes"),
        # fed where the larger pumping station delivers
        Network("ky4", "ky4", "O-Pump-1", "Kentucky system KY4 (Jolly et al. 2014), 956 junctions, 1149 pipes"),
    )
}


def gravity(name: str) -> tuple[Any, dict[str, float]]:
    """The junctions and pipes that one reservoir reaches, without demands; and each junction's demand in the original.

    Raises:
        SimulatorError: there is no network of that name.
    """
    import wntr  # noqa: PLC0415 - takes seconds, which the command line need not wait for

    if name not in NETWORKS:
        raise SimulatorError(f"network {name!r}; expected one of {', '.join(NETWORKS)}")
    network = NETWORKS[name]
    original, wn = wntr.network.WaterNetworkModel(network.model), wntr.network.WaterNetworkModel()
    kept = {network.fed_at, *original.junction_name_list}
    pipes = {n: p for n, p in original.pipes() if {p.start_node_name, p.end_node_name} <= kept}
    reached = _reached(network.fed_at, [{p.start_node_name, p.end_node_name} for p in pipes.values()])
    demands: dict[str, float] = {}
    for node, junction in original.junctions():
        if node in reached and node != network.fed_at:
            wn.add_junction(node, base_demand=0.0, elevation=junction.elevation)
            demands[node] = float(junction.base_demand)
    wn.add_reservoir(SOURCE)
    for pipe_name, pipe in pipes.items():
        if pipe.start_node_name in reached:
            ends = (SOURCE if n == network.fed_at else n for n in (pipe.start_node_name, pipe.end_node_name))
            wn.add_pipe(pipe_name, *ends, length=pipe.length, diameter=pipe.diameter, roughness=pipe.roughness)
    wn.options.hydraulic.accuracy = 1e-5
    return wn, demands


def _reached(start: str, pipes: list[set[str]]) -> set[str]:
    """The nodes that a chain of pipes, each given by its ends, joins to the start."""
    reached, before = {start}, 0
    while len(reached) > before:
        before = len(reached)
        reached = reached.union(*(ends for ends in pipes if ends & reached))
    return reached
