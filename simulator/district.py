"""The hydraulics of a district: EPANET's example network Net3, fed by gravity from one reservoir.

Pumps, tanks, the second source and the water quality trace are taken out, so that the state at one moment depends
on the demand at that moment alone. Pipes are narrowed until the head lost on the way to the consumers is some
metres: in the original, pressures hardly react to a leak.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import wntr
from numpy.typing import NDArray
from wntr.epanet.toolkit import ENepanet
from wntr.epanet.util import EN

from simulator.demand import CLASSES, DAY_S
from simulator.seeds import Stream, generator

PRESSURES = 5
_SOURCE = "River"
#: exponents of flow and diameter in the head loss of Hazen and Williams
_FLOW_EXPONENT, _DIAMETER_EXPONENT = 1.852, 4.871
#: the largest flow that the source must sustain, in units of the mean, and the pressure that is left then, in metres
_PEAK, _LEAST_PRESSURE = 2.2, 15.0


@dataclass(frozen=True, eq=False)
class District:
    """A network and where it is measured.

    Attributes:
        network: the WNTR model, without demand patterns.
        mean_inflow: nominal, in L/s, without leaks.
        base: (classes, J) mean demand of each class at each junction, L/s; sums to `mean_inflow`.
        junctions: (J) the junctions' names.
        sensors: the junctions whose pressure is measured.
        leaky: the junctions where a drawn leak may be: a break right at the source shows in no pressure.
    """

    network: Any
    mean_inflow: float
    base: NDArray[np.float64]
    junctions: tuple[str, ...]
    sensors: tuple[str, ...]
    leaky: tuple[str, ...]

    @classmethod
    def of(cls, seed: int, district: int) -> District:
        """The district that a seed and a number stand for: size, consumers, pipes and sensors differ."""
        rng = generator(seed, Stream.DISTRICT, district)
        wn, original = _gravity_network()
        names = tuple(original)
        mean = float(np.exp(rng.uniform(np.log(10), np.log(40))))
        drawn = np.array(list(original.values())) * rng.lognormal(0, 0.5, len(names))
        drawn *= mean / drawn.sum()
        belongs = rng.choice(CLASSES, size=len(names), p=(0.5, 0.3, 0.2))
        base = np.where(belongs == np.arange(CLASSES)[:, None], drawn, 0.0)
        loss_wanted = rng.uniform(6, 10)
        widths = np.exp(rng.normal(0, 0.08, wn.num_pipes))
        for (_, pipe), width in zip(wn.pipes(), widths, strict=True):
            pipe.diameter *= 0.6 * float(width)
        for name, flow in zip(names, drawn, strict=True):
            _set_demand(wn, name, [(flow, None)])
        loss = _head_loss(wn, names)
        narrower = float(np.average(loss, weights=drawn) / loss_wanted) ** (1 / _DIAMETER_EXPONENT)
        for _, pipe in wn.pipes():
            pipe.diameter *= narrower
        loss = _head_loss(wn, names)
        elevation = np.array([wn.get_node(n).elevation for n in names])
        wn.get_node(_SOURCE).base_head = float(np.max(elevation + loss * _PEAK**_FLOW_EXPONENT) + _LEAST_PRESSURE)
        # one sensor in each fifth of the consumers by distance (in head loss) from the source
        fifths = np.array_split(np.array([i for i in np.argsort(loss, kind="stable") if drawn[i] > 0]), PRESSURES)
        sensors = tuple(names[int(rng.choice(fifth))] for fifth in fifths)
        leaky = tuple(name for name, lost in zip(names, loss, strict=True) if lost > loss_wanted / 2)
        return cls(wn, mean, base, names, sensors, leaky)

    def run(
        self,
        patterns: NDArray[np.float64],
        interval_s: int,
        leaks: list[tuple[str, float, NDArray[np.float64]]],
    ) -> NDArray[np.float64]:
        """Solves the network for whole days.

        Every day is solved on its own, from the same initial guess, so that its numbers are the same to the last
        bit whichever days are simulated with it.

        Args:
            patterns: (classes, days * steps of a day) multipliers of `base`.
            interval_s: distance of two steps.
            leaks: junction, flow in L/s and (days * steps) multiplier of each leak.

        Returns:
            (days * steps, 1 + PRESSURES): inflow in L/s and pressures in metres of water column.
        """
        wn = self.network
        for k, pattern in enumerate((*patterns, *(switch for _, _, switch in leaks))):
            wn.add_pattern(f"P{k}", list(pattern))
        for j, name in enumerate(self.junctions):
            demands: list[tuple[float, str | None]] = [
                (self.base[k, j], f"P{k}") for k in range(CLASSES) if self.base[k, j] > 0
            ]
            demands += [(flow, f"P{CLASSES + k}") for k, (node, flow, _) in enumerate(leaks) if node == name]
            # WNTR rounds the demand of a junction that has one only: a second, empty one keeps a leak elsewhere, or
            # later, from changing the last bits
            demands.append((0.0, "P0"))
            _set_demand(wn, name, demands)
        t = wn.options.time
        t.duration, t.hydraulic_timestep, t.pattern_timestep, t.report_timestep = DAY_S, *[interval_s] * 3
        rows = []
        with _opened(wn) as epanet:
            source = epanet.ENgetnodeindex(_SOURCE)
            sensors = [epanet.ENgetnodeindex(name) for name in self.sensors]
            epanet.ENsettimeparam(EN.DURATION, DAY_S - interval_s)
            for day in range(patterns.shape[1] * interval_s // DAY_S):
                epanet.ENsettimeparam(EN.PATTERNSTART, day * DAY_S)
                epanet.ENinitH(EN.INITFLOW)
                step = 1
                while step:
                    epanet.ENrunH()
                    pressures = [epanet.ENgetnodevalue(i, EN.PRESSURE) for i in sensors]
                    rows.append([-epanet.ENgetnodevalue(source, EN.DEMAND), *pressures])
                    step = epanet.ENnextH()
        return np.array(rows)


def _gravity_network() -> tuple[Any, dict[str, float]]:
    """Net3's junctions and pipes with one reservoir, without demands; and each junction's demand in the original."""
    net3, wn = wntr.network.WaterNetworkModel("Net3"), wntr.network.WaterNetworkModel()
    for name, junction in net3.junctions():
        wn.add_junction(name, base_demand=0.0, elevation=junction.elevation)
    wn.add_reservoir(_SOURCE)
    kept = {_SOURCE, *net3.junction_name_list}
    # without the pump at the river its bypass, pipe 330, takes its place: all pipes are open
    for name, pipe in net3.pipes():
        if {pipe.start_node_name, pipe.end_node_name} <= kept:
            ends = pipe.start_node_name, pipe.end_node_name
            wn.add_pipe(name, *ends, length=pipe.length, diameter=pipe.diameter, roughness=pipe.roughness)
    wn.options.hydraulic.accuracy = 1e-5
    return wn, {name: float(junction.base_demand) for name, junction in net3.junctions()}


def _set_demand(wn: Any, junction: str, demands: list[tuple[float, str | None]]) -> None:
    """Replaces a junction's demands by (flow in L/s, pattern) pairs."""
    node = wn.get_node(junction)
    node.demand_timeseries_list.clear()
    for flow, pattern in demands:
        node.add_demand(flow / 1000, pattern)


def _head_loss(wn: Any, junctions: tuple[str, ...]) -> NDArray[np.float64]:
    """(J) metres of head lost between the source and each junction at the demands' base values."""
    wn.options.time.duration = 0
    wn.get_node(_SOURCE).base_head = 1000.0
    with _opened(wn) as epanet:
        epanet.ENinitH(EN.INITFLOW)
        epanet.ENrunH()
        head = [epanet.ENgetnodevalue(epanet.ENgetnodeindex(name), EN.HEAD) for name in junctions]
    return 1000.0 - np.array(head)


@contextlib.contextmanager
def _opened(wn: Any) -> Iterator[Any]:
    """EPANET with the network loaded, its files in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aiot-epanet-") as folder:
        inp, report, binary = (str(Path(folder) / f"district.{kind}") for kind in ("inp", "rpt", "bin"))
        wntr.network.write_inpfile(wn, inp, units="LPS", version=2.2)
        epanet = ENepanet(version=2.2)
        epanet.ENopen(inp, report, binary)
        try:
            epanet.ENopenH()
            yield epanet
            epanet.ENcloseH()
        finally:
            epanet.ENclose()
