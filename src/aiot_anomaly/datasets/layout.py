"""The layout of a recording: which column of a table is the time, the label, the device, and which the sensors.

Written beside the profile, in the section `recording` of the same YAML file. It says how one file is read and is no
part of the profile: a bundle does not carry it, and the API never sees it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aiot_anomaly.configuration import Frozen, Name

Character = Annotated[str, Field(min_length=1, max_length=1)]


class Layout(Frozen):
    """How a table is read."""

    #: the column of the time, or two: of the date and of the time of day
    timestamp: str | tuple[str, str] = "timestamp"
    #: for dates such as 03/04/2026: True is the 3rd of April; None where they are ISO 8601 or unix seconds
    day_first: bool | None = None
    #: the column that names the device; None: the whole table is one device
    device: str | None = None
    #: the column that says which rows are anomalous; it enters metrics, and keeps anomalies out of the training part
    label: str | None = None
    #: what the label holds in a normal row; None: 0 or less, or nothing
    label_normal: str | None = None
    #: the column of each sensor whose name differs from its column's
    columns: dict[Name, str] = Field(default_factory=dict)
    separator: Character = ","
    decimal: Character = "."
    #: cells that mean that a value is missing, beside empty ones
    missing: tuple[str, ...] = ()
    #: where the training part ends: a share of each device's rows, or a time (ISO 8601, exclusive)
    train_until: Annotated[float, Field(gt=0, lt=1)] | str = 0.4
