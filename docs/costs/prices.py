"""Public list prices and quotas, from `prices.yaml` beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from aiot_anomaly.configuration import Frozen

Key = Literal[
    "run_cpu", "run_memory", "run_requests", "run_idle_cpu", "run_idle_memory", "job_cpu", "job_memory",
    "pubsub_delivery", "pubsub_export", "pubsub_storage", "firestore_reads", "firestore_writes", "firestore_storage",
    "bigquery_storage", "logging", "alert_conditions", "alert_series", "images", "build", "storage", "scheduler",
]  # fmt: skip
Limit = Literal[
    "publish_bytes", "key_bytes", "document_writes", "document_bytes", "first_operations", "bigtable_writes"
]  # fmt: skip


class _Source(Frozen):
    service: str
    unit: str
    #: the list's name, and the year and month in which it said so
    source: str
    as_of: str = Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")


class Price(_Source):
    """What one unit costs."""

    #: for one unit
    usd: float = Field(gt=0)
    #: units a month that cost nothing
    free: float = Field(ge=0)


class Quota(_Source):
    """How much of something there is."""

    most: float = Field(gt=0)


class _Lists(Frozen):
    prices: dict[Key, Price]
    quotas: dict[Limit, Quota]


_lists = _Lists.model_validate(yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text(encoding="utf-8")))
PRICES, QUOTAS = _lists.prices, _lists.quotas
