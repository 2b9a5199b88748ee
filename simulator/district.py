"""The hydraulics of a district: a network fed by gravity from one reservoir, solved by EPANET.

Pipes are narrowed until the head lost on the way to the consumers is some metres: in the original models, pressures
hardly react to a leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.demand import CLASSES, DAY_S
from simulator.networks import DEFAULT, SOURCE, gravity
from simulator.seeds import Stream, generator

PRESSURES = 5
#: exponents of flow and diameter in the head loss of Hazen and Williams
_FLOW_EXPONENT, _DIAMETER_EXPONENT = 1.852, 4.871
#: the largest flow that the source must sustain, in units of the mean, and the pressure that is left then, in metres
_PEAK, _LEAST_PRESSURE = 2.2, 15.0


@dataclass(frozen=True, eq=False)
class Outflow:
    """Water that leaves the network besides the consumers' demand: a leak, or an open hydrant.

    Attributes:
        junction: where.
        flow: L/s where the multiplier is 1.
        multiplier: (days * steps of a day).
        orifice: the flow is `flow` at the junction's nominal pressure and follows q = C p^0.5 otherwise (Torricelli's
            law, FAVAD's fixed area; May 1994), as an emitter of EPANET; False: the same at any pressure.
    """

    junction: str
    flow: float
    multiplier: NDArray[np.float64]
    orifice: bool = False


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
        nominal_pressure: (J) metres at the mean demand.
    """

    network: Any
    mean_inflow: float
    base: NDArray[np.float64]
    junctions: tuple[str, ...]
    sensors: tuple[str, ...]
    leaky: tuple[str, ...]
    nominal_pressure: NDArray[np.float64]

    @classmethod
    def of(cls, seed: int, district: int, network: str = DEFAULT) -> District:
        """The district that a seed and a number stand for: size, consumers, pipes and sensors differ.

        One sensor is at a consumer in each fifth by head lost on the way from the source: how far the pressure at a
        junction falls with the flow goes with that loss, so the five are spread over the range of sensitivities.
        """
        rng = generator(seed, Stream.DISTRICT, district)
        wn, original = gravity(network)
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
        wn.get_node(SOURCE).base_head = float(np.max(elevation + loss * _PEAK**_FLOW_EXPONENT) + _LEAST_PRESSURE)
        fifths = np.array_split(np.array([i for i in np.argsort(loss, kind="stable") if drawn[i] > 0]), PRESSURES)
        sensors = tuple(names[int(rng.choice(fifth))] for fifth in fifths)
        leaky = tuple(name for name, lost in zip(names, loss, strict=True) if lost > loss_wanted / 2)
        pressure = wn.get_node(SOURCE).base_head - loss - elevation
        return cls(wn, mean, base, names, sensors, leaky, pressure)

    def run(
        self,
        patterns: NDArray[np.float64],
        interval_s: int,
        outflows: Sequence[Outflow] = (),
    ) -> NDArray[np.float64]:
        """Solves the network for whole days.

        Every day is solved on its own, from the same initial guess, so that its numbers are the same to the last
        bit whichever days are simulated with it.

        Args:
            patterns: (classes, days * steps of a day) multipliers of `base`.
            interval_s: distance of two steps.
            outflows: leaks and open hydrants.

        Returns:
            (days * steps, 1 + PRESSURES): inflow in L/s and pressures in metres of water column.
        """
        from simulator.epanet import EN, Gauges, opened  # noqa: PLC0415 - the command line need not wait for WNTR

        wn = self.network
        fixed, orifices = [o for o in outflows if not o.orifice], [o for o in outflows if o.orifice]
        for k, pattern in enumerate((*patterns, *(o.multiplier for o in fixed))):
            wn.add_pattern(f"P{k}", list(pattern))
        for j, name in enumerate(self.junctions):
            demands: list[tuple[float, str | None]] = [
                (self.base[k, j], f"P{k}") for k in range(CLASSES) if self.base[k, j] > 0
            ]
            demands += [(o.flow, f"P{CLASSES + k}") for k, o in enumerate(fixed) if o.junction == name]
            # WNTR rounds the demand of a junction that has one only: a second, empty one keeps a leak elsewhere, or
            # later, from changing the last bits
            demands.append((0.0, "P0"))
            _set_demand(wn, name, demands)
        t = wn.options.time
        t.duration, t.hydraulic_timestep, t.pattern_timestep, t.report_timestep = DAY_S, *[interval_s] * 3
        rows: list[list[float]] = []
        with opened(wn) as epanet:
            sensors = [(epanet.ENgetnodeindex(name), EN.PRESSURE) for name in self.sensors]
            gauges = Gauges(epanet, [(epanet.ENgetnodeindex(SOURCE), EN.DEMAND), *sensors])
            emitters = self._emitters(orifices, patterns.shape[1], epanet)
            epanet.ENsettimeparam(EN.DURATION, DAY_S - interval_s)
            for day in range(patterns.shape[1] * interval_s // DAY_S):
                epanet.ENsettimeparam(EN.PATTERNSTART, day * DAY_S)
                for node, coefficients in emitters:
                    epanet.ENsetnodevalue(node, EN.EMITTER, coefficients[len(rows)])
                epanet.ENinitH(EN.INITFLOW)
                step = 1
                while step:
                    for node, coefficients in emitters:
                        epanet.ENsetnodevalue(node, EN.EMITTER, coefficients[len(rows)])
                    epanet.ENrunH()
                    rows.append(gauges.read())
                    step = epanet.ENnextH()
        # what a reservoir gives is its negative demand
        return np.array(rows) * ([-1.0] + [1.0] * PRESSURES)

    def _emitters(self, orifices: Sequence[Outflow], steps: int, epanet: Any) -> list[tuple[int, list[float]]]:
        """EPANET's index of each junction with an orifice, and its coefficient C in L/s/m^0.5 at every step."""
        coefficients: dict[str, NDArray[np.float64]] = {}
        for o in orifices:
            at_one = o.flow / np.sqrt(self.nominal_pressure[self.junctions.index(o.junction)])
            coefficients[o.junction] = coefficients.get(o.junction, np.zeros(steps)) + at_one * o.multiplier
        return [(epanet.ENgetnodeindex(name), c.tolist()) for name, c in coefficients.items()]


def _set_demand(wn: Any, junction: str, demands: list[tuple[float, str | None]]) -> None:
    """Replaces a junction's demands by (flow in L/s, pattern) pairs."""
    node = wn.get_node(junction)
    node.demand_timeseries_list.clear()
    for flow, pattern in demands:
        node.add_demand(flow / 1000, pattern)


def _head_loss(wn: Any, junctions: tuple[str, ...]) -> NDArray[np.float64]:
    """(J) metres of head lost between the source and each junction at the demands' base values."""
    from simulator.epanet import EN, Gauges, opened  # noqa: PLC0415 - as above

    wn.options.time.duration = 0
    wn.get_node(SOURCE).base_head = 1000.0
    with opened(wn) as epanet:
        epanet.ENinitH(EN.INITFLOW)
        epanet.ENrunH()
        head = Gauges(epanet, [(epanet.ENgetnodeindex(name), EN.HEAD) for name in junctions]).read()
    return 1000.0 - np.array(head)
