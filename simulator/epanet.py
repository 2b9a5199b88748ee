"""EPANET, as WNTR brings it along: WNTR takes seconds to import, so only what solves networks imports this."""

from __future__ import annotations

import contextlib
import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import wntr
from wntr.epanet.toolkit import ENepanet
from wntr.epanet.util import EN

from simulator.workers import interrupts_held

__all__ = ["EN", "Gauges", "opened"]


@contextlib.contextmanager
def opened(wn: Any) -> Iterator[Any]:
    """EPANET with a WNTR network loaded, its files in a folder that is gone afterwards."""
    # an interrupt between the folder's making and its being known would leave it behind
    with interrupts_held():
        made = tempfile.TemporaryDirectory(prefix="aiot-epanet-")
    with made as folder:
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


class Gauges:
    """The same few values of nodes, read after each step.

    WNTR's own getter makes its arguments anew for each value, which took a sixth of a simulation.

    Args:
        epanet: opened.
        points: EPANET's index of a node and the code of what is read there, for each value.
    """

    def __init__(self, epanet: Any, points: Sequence[tuple[int, int]]) -> None:
        self._values = (ctypes.c_double * len(points))()
        self._get = epanet.ENlib.EN_getnodevalue
        # WNTR has no public name for the project that its library wants first
        project = epanet._project
        step = ctypes.sizeof(ctypes.c_double)
        self._calls = [
            (project, ctypes.c_int(node), ctypes.c_int(code), ctypes.byref(self._values, k * step))
            for k, (node, code) in enumerate(points)
        ]

    def read(self) -> list[float]:
        """The values, in the order of the points.

        Raises:
            RuntimeError: EPANET has no such value.
        """
        for call in self._calls:
            if error := self._get(*call):
                raise RuntimeError(f"EPANET's EN_getnodevalue returned error {error}")
        return list(self._values)
