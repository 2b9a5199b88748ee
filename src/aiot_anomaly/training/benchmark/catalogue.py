"""What is measured: each measure's name in two languages, how it is written, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from aiot_anomaly.training.wording import duration

MISSING = "–"
#: joins a measure and the size of the events that it is of: `found@0.05`
AT = "@"
HOUR_S = 3600


@dataclass(frozen=True)
class Measure:
    """A measure.

    Attributes:
        title: in a table's head.
        portuguese: the same in Portuguese.
        written: a value as text.
        lower: less of it is better.
    """

    title: str
    portuguese: str
    written: Callable[[float], str]
    lower: bool = False


def _ranked(value: float) -> str:
    return f"{value:.3f}"


def _share(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def _number(value: float) -> str:
    return f"{value:,.2f}"


MEASURES = {
    "auc_roc": Measure("AUC-ROC", "AUC-ROC", _ranked),
    "auc_pr": Measure("AUC-PR", "AUC-PR", _ranked),
    "vus_pr": Measure("VUS-PR", "VUS-PR", _ranked),
    "behind": Measure("network ahead, of resamples", "rede à frente, das reamostras", _share, lower=True),
    "f1": Measure("F1", "F1", _ranked),
    "far": Measure("FAR", "FAR", _ranked, lower=True),
    "mar": Measure("MAR", "MAR", _ranked, lower=True),
    "found": Measure("events found", "eventos encontrados", _share),
    "chance": Measure("chance", "acaso", _share, lower=True),
    "events": Measure("events", "eventos", lambda value: f"{value:,.0f}"),
    "median_delay_s": Measure("median delay", "atraso mediano", duration, lower=True),
    "p90_delay_s": Measure("90th percentile of the delay", "percentil 90 do atraso", duration, lower=True),
    "false_incidents_per_month": Measure(
        "false incidents a device and month", "incidentes falsos por dispositivo e mês", _number, lower=True
    ),
    "false_incidents_per_hour": Measure(
        "false incidents a device and hour", "incidentes falsos por dispositivo e hora", _number, lower=True
    ),
    "mean_loss_m3": Measure("water lost an event [m³]", "água perdida por evento [m³]", _number, lower=True),
    "mean_loss_kwh": Measure("energy lost an event [kWh]", "energia perdida por evento [kWh]", _number, lower=True),
    "loss_share": Measure("of the loss, before detection", "da perda, antes da detecção", _share, lower=True),
    "day_auc": Measure("mean AUC, a day", "AUC média, um dia", _ranked),
    "week_auc": Measure("mean AUC, a week", "AUC média, uma semana", _ranked),
    "week_auc_least": Measure("least AUC, a week", "menor AUC, uma semana", _ranked),
    "day_found": Measure("found by a day", "encontradas por um dia", _share),
    "week_found": Measure("found by a week", "encontradas por uma semana", _share),
}


def base(name: str) -> Measure:
    """The measure of a name, whatever the size of the events."""
    return MEASURES[name.partition(AT)[0]]


def title(name: str, *, portuguese: bool = False) -> str:
    """A measure's name in a table's head; `found@0.05` is "found at 5 %"."""
    known, (of, _, size) = base(name), name.partition(AT)
    said = known.portuguese if portuguese else known.title
    if not size:
        return said
    short = {"found": ("found", "encontrados")}.get(of, (said, said))[portuguese]
    return f"{short} {'a' if portuguese else 'at'} {float(size):.0%}".replace("%", " %")


def written(name: str, value: float | None) -> str:
    """A value as a table has it; a dash where there is none."""
    return MISSING if value is None or not math.isfinite(value) else base(name).written(value)


def better(name: str, one: float, other: float) -> bool:
    """Whether the first value is the better one of the two."""
    return one < other if base(name).lower else one > other


def ahead(name: str, one: float, other: float) -> bool:
    """Whether the first value is the better one of the two, or both are as good as it can be."""
    return better(name, one, other) or one == other == (0.0 if base(name).lower else 1.0)
