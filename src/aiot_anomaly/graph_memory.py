"""Memory that a graph reads its inputs from and writes its outputs to, whose windows and calibrations stay in place.

To hand ONNX Runtime arrays, and to be handed others, takes about as long as the graph takes for a single window; of
memory that is bound it knows all there is (https://onnxruntime.ai/docs/api/python/api_summary.html, IOBinding).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from aiot_anomaly.calibration import Calibration
from aiot_anomaly.series import Float

_TYPES = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(int64)": np.int64}


class _Bound(NamedTuple):
    """The memory as it is bound for so many windows."""

    binding: Any
    outputs: list[np.ndarray]


class GraphMemory:
    """The inputs and outputs of one run at a time, of `room` windows at most.

    Attributes:
        inputs: by name, (room, ...) in the graph's own type; a run of n windows reads the first n.

    Args:
        session: the graph; the first axis of its inputs and outputs counts windows, the others are known.
        outputs: names of those that are wanted, in the order in which `run` gives them.
        room: windows.
        calibration: that each window has until it is given another.
    """

    def __init__(
        self, session: ort.InferenceSession, outputs: Sequence[str], room: int, calibration: Calibration
    ) -> None:
        self._session = session
        found = {o.name: o for o in session.get_outputs()}
        self._outputs = {name: (tuple(found[name].shape[1:]), _TYPES[found[name].type]) for name in outputs}
        self.inputs = {i.name: np.zeros((room, *i.shape[1:]), _TYPES[i.type]) for i in session.get_inputs()}
        self._of_calibration = [name for name in self.inputs if hasattr(calibration, name)]
        for name in self._of_calibration:
            self.inputs[name][:] = getattr(calibration, name)
        self._calibrations = [calibration] * room
        self._bound: dict[int, _Bound] = {}

    def calibrate(self, calibrations: Sequence[Calibration]) -> None:
        """Gives the first windows these calibrations: written only where another stands, as most ask again."""
        held = self._calibrations
        for i, calibration in enumerate(calibrations):
            if held[i] is not calibration:
                for name in self._of_calibration:
                    self.inputs[name][i] = getattr(calibration, name)
                held[i] = calibration

    def run(self, n: int) -> list[Float]:
        """The outputs (n, ...) of the first n windows."""
        bound = self._bound.get(n)
        if bound is None:
            bound = self._bound[n] = self._bind(n)
        self._session.run_with_iobinding(bound.binding)
        return [o.astype(np.float64) for o in bound.outputs]

    def _bind(self, n: int) -> _Bound:
        binding = self._session.io_binding()
        for name, array in self.inputs.items():
            binding.bind_input(name, "cpu", 0, array.dtype.type, (n, *array.shape[1:]), array.ctypes.data)
        outputs = [np.empty((n, *shape), kind) for shape, kind in self._outputs.values()]
        for name, array in zip(self._outputs, outputs, strict=True):
            binding.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return _Bound(binding, outputs)
