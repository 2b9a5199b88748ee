"""The demo's tables, as the terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from aiot_anomaly.messages import OUTCOMES
from functions.store import Totals
from local import summary
from local.summary import DeviceSummary


def devices(members_by_profile: Mapping[str, list[DeviceSummary]]) -> Table:
    """Devices, what happened to them, what was told and how late."""
    table = Table(title="What happened, and what was told", title_justify="left")
    for name in ("device", "decisions", "what happened", "incident opened", "delay", "because of", "false alarms"):
        table.add_column(name, justify="right" if name in {"decisions", "delay", "false alarms"} else "left")
    for members in members_by_profile.values():
        for d in members:
            incident = next((i for i in d.incidents), None)
            table.add_row(
                d.device_id,
                f"{len(d.decisions):,}",
                ", ".join(_described(e.kind, e.size) for e in d.events) or "nothing",
                "\n".join(f"{i.opened:%Y-%m-%d %H:%M:%S}" for i in d.incidents) or "none",
                "\n".join("missed" if s is None else summary.duration(s) for s in d.delays_s) or "–",
                incident.top_sensor if incident else "–",
                str(d.false_alarms),
            )
    return table


def _described(kind: str, size: float) -> str:
    """An event as people say it: "leak, 12 %"."""
    return f"{kind}, {size:.0%}".replace("%", " %") if kind == "leak" else kind


def outcomes(totals: Totals, rows: int, poison: int, decisions: int) -> Table:
    """Where every published row went."""
    table = Table(title="Where every reading went", title_justify="left")
    table.add_column("outcome")
    table.add_column("readings", justify="right")
    for name in OUTCOMES:
        table.add_row(name.replace("_", " "), f"{totals.outcomes[name]:,}")
    table.add_section()
    table.add_row("sum", f"{totals.readings:,}")
    table.add_row("published", f"{rows:,}")
    table.add_section()
    table.add_row("spoilt messages published", str(poison))
    codes = ", ".join(f"{code} {n}" for code, n in sorted(totals.parked.items()))
    table.add_row(f"parked ({codes})" if codes else "parked", str(totals.parked_messages))
    table.add_row("decisions received, without doubles", f"{decisions:,}")
    return table
