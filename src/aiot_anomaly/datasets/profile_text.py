"""A proposed profile as YAML that a person can edit: each choice with the reason and what to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.survey import Survey


def render(document: Mapping[str, Any], found: Survey, layout: Layout) -> str:
    """The profile `document` and the layout of its recording as commented YAML."""
    columns = {s.name: s for s in found.sensors}
    lines = [
        f"# A first profile, proposed from {found.path.name} by `python -m aiot_anomaly profile`.",
        "# Everything in it may be edited; what you know of the device is better than what the numbers show.",
        *(f"{key}: {_value(document[key])}" for key in ("name", "title", "description")),
        "",
        "# valid_range: what the sensor can truthfully report; a value outside counts as missing. Here it reaches ten",
        "# times the range seen beyond it: set the physical limits. smallest_deviation: the smallest that matters.",
        "# direction (up, down, both): which way an anomaly moves it, for a denoising network and simple rules.",
        "sensors:",
    ]
    for sensor in document["sensors"]:
        of = columns[sensor["name"]]
        lines.append(f"  - {_value(sensor)}")
        seen = f"seen {of.low:.6g} to {of.high:.6g}"
        lines.append(f"    # {seen}" + (f", {of.missing:.1%} missing" if of.missing else ""))
    if document["derived"]:
        lines += ["", "# these sensors drift by nature, or count: their change is judged and not their level"]
        lines += ["derived:", *(f"  - {_value(d)}" for d in document["derived"])]
    window, interval = document["window"], document["interval_s"]
    sees = ((window["steps"] - 1) * window["step"] + window["aggregate"]) * interval
    lines += [
        "",
        "# seconds between two readings: the grid on which everything is computed",
        f"interval_s: {interval}",
        f"# a window sees {_duration(sees)}: `steps` rows, `step` intervals apart, each the mean of `aggregate`",
        "# intervals; one is judged at every `stride`-th interval",
        f"window: {_value(window)}",
        "# a missing value is replaced by the last one for up to so many intervals; a longer hole breaks the window",
        f"imputation: {_value(document['imputation'])}",
        "# hour_of_week: a normal level for each hour of working days and of weekends; none: one level",
        f"season: {_value(document['season'])}",
        "# deviations are averaged over the last `last_steps` rows: more of them find small lasting anomalies, fewer",
        "# find short ones. whiten: sensors that move together are judged by what breaks that bond",
        f"scoring: {_value(document['scoring'])}",
        "# an alarm begins at this quantile of held-back normal scores, times the margin; `method: peaks`",
        "# or `conformal` takes it otherwise, and 03_threshold shows what each costs",
        f"threshold: {_value(document['threshold'])}",
        "# an incident opens when k of the last n decisions were anomalous, and closes after `quiet` normal ones",
        f"incidents: {_value(document['incidents'])}",
        f"stream: {_value(document['stream'])}",
        "",
        "# how the file is read for training; no part of the model",
        "recording:",
        *(f"  {line}" for line in _recording(layout)),
    ]
    if found.left_out:
        lines += ["", "# left out:", *(f"# - {_value(c)}: {reason}" for c, reason in found.left_out.items())]
    return "\n".join(lines) + "\n"


def _recording(layout: Layout) -> list[str]:
    explained = {
        "timestamp": "the column of the time (or two: date and time of day)",
        "day_first": "03/04/2026 is the 3rd of April",
        "device": "the column that names the device",
        "label": "used for metrics, and to keep anomalies out of the training part",
        "label_normal": "what the label holds in a normal row",
        "missing": "words that mean that a value is missing",
        "train_until": "a share of the rows, or a time: what comes before is taken as normal, the rest is tested",
    }
    lines = []
    default = Layout()
    for name in Layout.model_fields:
        value, always = getattr(layout, name), name in {"timestamp", "train_until"}
        if name == "columns" or (not always and value == getattr(default, name)):
            continue
        if name in explained:
            lines.append(f"# {explained[name]}")
        lines.append(f"{name}: {_value(value)}")
    if layout.columns:
        lines += ["# sensor: its column, where the names differ", "columns:"]
        lines += [f"  {name}: {_value(column)}" for name, column in layout.columns.items()]
    return lines


def _value(value: Any) -> str:
    """A value in YAML's flow style on one line; text in the quotes of JSON, which YAML reads as well."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # YAML 1.1 takes 1e-05 for text: a number needs its point
        text = f"{value:.10g}"
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    if isinstance(value, str):
        return value if value.isidentifier() and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)
    return str(value)


#: words that YAML takes for something else than text
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})


def _duration(seconds: int) -> str:
    for unit, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds} seconds"
