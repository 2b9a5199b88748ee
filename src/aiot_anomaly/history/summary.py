"""What a person is told of a scored history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiot_anomaly.detection import SeriesOutcome
from aiot_anomaly.history.incidents import Found

#: incidents that the summary names
TOLD = 20


@dataclass(frozen=True)
class Summary:
    """What came of a recording.

    Attributes:
        devices: how many.
        outcomes: of the readings that have a time; they sum to them.
        without_time: readings beside these.
        decisions: how many.
        anomalies: how many of them.
        incidents: how many.
        worst: those with the highest peaks, at most `TOLD`.
    """

    devices: int
    outcomes: Mapping[SeriesOutcome, int]
    without_time: int
    decisions: int
    anomalies: int
    incidents: int
    worst: list[Found]

    def told(self, out: str) -> str:
        """The summary as text; `out` is where the decisions are."""
        outcomes = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in self.outcomes.items() if n) or "none"
        lines = [
            f"readings: {sum(self.outcomes.values()):,} of {self.devices:,} devices ({outcomes})",
            *([f"left out: {self.without_time:,} rows whose time is empty"] if self.without_time else []),
            f"decisions: {self.decisions:,}, of which {self.anomalies:,} anomalous, in {out}",
            f"incidents: {self.incidents:,}",
        ]
        if self.worst:
            wide = max(len("device"), *(len(f.device_id) for f in self.worst))
            lines.append(f"  {'device':{wide}}  {'opened':19}  {'closed':19}  peak score  most of it")
            lines += [_line(f, wide) for f in self.worst]
        if self.incidents > len(self.worst):
            lines.append(f"  and {self.incidents - len(self.worst):,} with lower peaks: column incident_id of {out}")
        return "\n".join(lines)


def _line(found: Found, wide: int) -> str:
    closed = "open at the end" if found.closed_at is None else f"{found.closed_at:%Y-%m-%d %H:%M:%S}"
    opened = f"{found.opened_at:%Y-%m-%d %H:%M:%S}"
    return f"  {found.device_id:{wide}}  {opened}  {closed:19}  {found.peak_score:10.2f}  {found.sensor}"
