"""The one place through which the volume under the precision-recall surface is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

from aiot_anomaly.training.evaluation import Scored

_MODULE = "aiot_anomaly.training.volumes"


def measured(scored: Sequence[Scored]) -> dict[str, float]:
    """`vus_pr` of the rows of some devices; nothing where this release cannot compute it."""
    module = _module()
    return {} if module is None else {"vus_pr": float(module.vus_pr(scored))}


def _module() -> ModuleType | None:
    try:
        return importlib.import_module(_MODULE)
    except ModuleNotFoundError:
        return None
