"""Which sensors of a recording a first profile takes, and which holes in them are filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aiot_anomaly.datasets.survey import Survey
from aiot_anomaly.datasets.traits import HOUR_S
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.preprocessing import hold

MOST_SENSORS = 256


def first_sensors(found: Survey, notes: list[str]) -> Survey:
    """The survey with no more sensors than a profile may hold; a note is added where some are left out."""
    if len(found.sensors) <= MOST_SENSORS:
        return found
    notes.append(f"of {len(found.sensors)} sensors the first {MOST_SENSORS} are taken: a profile holds no more")
    return _only(found, range(MOST_SENSORS), dict.fromkeys((s.column for s in found.sensors[MOST_SENSORS:]), "surplus"))


def _only(found: Survey, kept: Sequence[int], left_out: dict[str, str]) -> Survey:
    names = {found.sensors[i].name for i in kept}
    columns = {n: c for n, c in found.layout.columns.items() if n in names}
    return replace(
        found,
        sensors=tuple(found.sensors[i] for i in kept),
        devices={d: g[:, list(kept)] for d, g in found.devices.items()},
        left_out={**found.left_out, **left_out},
        layout=found.layout.model_copy(update={"columns": columns}),
    )


def longest_gap(found: Survey) -> int:
    """Holes up to this are filled: the usual ones, but no more than an hour, or some values of slow sensors."""
    most = max(6, min(60, HOUR_S // found.interval_s))
    usual = int(np.quantile(found.runs, 0.95)) if len(found.runs) else 0
    return int(np.clip(usual, min(5, most), most))


def present_sensors(found: Survey, gap: int, notes: list[str]) -> Survey:
    """The survey without the sensors that have no value most of the time: a window with a hole decides nothing.

    Args:
        found: of the recording.
        gap: points of the longest hole that is filled.
        notes: one is added where sensors are rarely there together.

    Raises:
        DatasetError: no sensor is left.
    """
    held = [hold(g, gap) for g in found.devices.values()]
    # while nothing came at all, as between two campaigns, no sensor was absent
    held = [h[np.isfinite(h).any(axis=1)] for h in held]
    present = np.mean(np.isfinite(np.concatenate(held)), axis=0)
    kept = [i for i in range(len(found.sensors)) if present[i] >= 0.5]
    if not kept:
        raise DatasetError(
            f"every sensor of {found.path} lacks more than half of its values on a grid of {found.interval_s} s; "
            "expected a value at most points"
        )
    gone = {s.column: f"no value at {1 - p:.0%} of the points" for s, p in zip(found.sensors, present, strict=True)}
    gone = {found.sensors[i].column: gone[found.sensors[i].column] for i in set(range(len(present))) - set(kept)}
    found = _only(found, kept, gone)
    together = np.concatenate([np.isfinite(h[:, kept]).all(axis=1) for h in held]).mean()
    if together < 0.8:
        notes.append(f"all sensors together have values at {together:.0%} of the points: where not, nothing is decided")
    return found
