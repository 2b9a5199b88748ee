"""The one place through which the volume under the precision-recall surface is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from aiot_anomaly.series import Float
from aiot_anomaly.training.evaluation import Scored

_MODULE = "aiot_anomaly.training.volumes"


def measured(scored: Sequence[Scored]) -> dict[str, float]:
    """`vus_pr` of the rows of some devices, the mean over them; nothing where this release cannot compute it."""
    return of_some(of_each(scored))


def of_each(scored: Sequence[Scored]) -> Float:
    """(D,) the volume of each device; NaN where it has none, (0,) where this release cannot compute it."""
    module = _module()
    return np.empty(0) if module is None else np.asarray(module.volumes(scored), dtype=np.float64)


def of_some(volumes: Float) -> dict[str, float]:
    """`vus_pr` by the devices' volumes (D,), where it is defined."""
    return {"vus_pr": float(np.nanmean(volumes))} if np.isfinite(volumes).any() else {}


def _module() -> ModuleType | None:
    try:
        return importlib.import_module(_MODULE)
    except ModuleNotFoundError:
        return None
