"""What a worker does with one device: its readings in order, its decisions, its incidents, its outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa

from aiot_anomaly import detector
from aiot_anomaly.detector import Detector
from aiot_anomaly.history import decisions
from aiot_anomaly.history.fleet import FleetHistory
from aiot_anomaly.history.incidents import Found, IncidentLog
from batch import ordering
from batch.readings import Packed

INCIDENTS = pa.schema(
    [
        ("device_id", pa.string()), ("opened_at", pa.timestamp("s", tz="UTC")),
        ("closed_at", pa.timestamp("s", tz="UTC")), ("peak_score", pa.float64()), ("sensor", pa.string()),
    ]
)  # fmt: skip


@cache
def model(folder: str) -> Detector:
    """The bundle, once a process."""
    return detector.load(Path(folder))


def decide(
    bundle: str, device: str, group: Iterable[Packed]
) -> Iterator[tuple[str, pa.Table] | tuple[str, dict[str, int]]]:
    """Decides the whole history of one device.

    Args:
        bundle: the folder of the bundle on the worker.
        device: whose readings they are.
        group: its readings, in any order.

    Returns:
        "decisions" and "incidents" with tables, and "outcomes" with numbers, each as it comes.
    """
    of = model(bundle)
    fleet, log, gatherer, count = FleetHistory(of), IncidentLog(0), decisions.Gatherer(), 0
    for at, values in ordering.oldest_first(group, len(of.profile.sensors)):
        for some in fleet.take([(device, at, values)]):
            for table in gatherer.add(decisions.table(of.profile, of.bundle.version, some)):
                yield "decisions", table
            count += len(some)
            closed = log.take(some)
            if closed:
                yield "incidents", _table(closed)
    for table in gatherer.rest():
        yield "decisions", table
    still_open = log.still_open()
    if still_open:
        yield "incidents", _table(still_open)
    counts: dict[str, int] = {name: n for name, n in fleet.outcomes.items()}  # noqa: C416 - its keys are any text
    yield "outcomes", counts | {"devices": 1, "decisions": count, "incidents": len(log)}


def _table(found: list[Found]) -> pa.Table:
    return pa.Table.from_pylist([vars(f) for f in found], schema=INCIDENTS)
