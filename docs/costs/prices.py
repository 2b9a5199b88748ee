"""Public list prices in US dollars, region europe-west1. They change: check them before you rely on a sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Key = Literal[
    "run_cpu", "run_memory", "run_requests", "run_idle_cpu", "run_idle_memory", "job_cpu", "job_memory",
    "pubsub_delivery", "pubsub_export", "pubsub_storage", "firestore_reads", "firestore_writes", "firestore_storage",
    "bigquery_storage", "logging", "alert_conditions", "alert_series", "images", "build", "storage", "scheduler",
]  # fmt: skip


@dataclass(frozen=True)
class Price:
    """What one unit costs.

    Attributes:
        service: whose it is.
        unit: of what.
        usd: for one of it.
        free: units a month that cost nothing.
        source: the price list's name.
        as_of: year and month in which the list said so.
    """

    service: str
    unit: str
    usd: float
    free: float
    source: str
    as_of: str


_RUN = "Cloud Run pricing, tier 1, request-based"
_JOBS = "Cloud Run pricing, tier 1, jobs"
_PUBSUB = "Pub/Sub pricing"
_FIRESTORE = "Firestore pricing, Standard edition, Belgium"
_OBSERVABILITY = "Google Cloud Observability pricing"

PRICES: dict[Key, Price] = {
    "run_cpu": Price("Cloud Run", "vCPU-second", 0.000024, 180_000, _RUN, "2025-06"),
    "run_memory": Price("Cloud Run", "GiB-second", 0.0000025, 360_000, _RUN, "2025-06"),
    "run_requests": Price("Cloud Run", "million requests", 0.40, 2, _RUN, "2025-06"),
    "run_idle_cpu": Price("Cloud Run", "vCPU-second kept warm", 0.0000025, 0, _RUN, "2025-06"),
    "run_idle_memory": Price("Cloud Run", "GiB-second kept warm", 0.0000025, 0, _RUN, "2025-06"),
    "job_cpu": Price("Cloud Run jobs", "vCPU-second", 0.000018, 240_000, _JOBS, "2025-06"),
    "job_memory": Price("Cloud Run jobs", "GiB-second", 0.000002, 450_000, _JOBS, "2025-06"),
    "pubsub_delivery": Price("Pub/Sub", "GiB published or delivered", 40 / 1024, 10, _PUBSUB, "2026-09"),
    "pubsub_export": Price("Pub/Sub", "GiB to BigQuery", 50 / 1024, 0, _PUBSUB, "2026-09"),
    "pubsub_storage": Price("Pub/Sub", "GiB-month kept", 0.27, 0, _PUBSUB, "2025-06"),
    # the free quota is that of one database a project: 50,000 reads and 20,000 writes a day
    "firestore_reads": Price("Firestore", "100,000 reads", 0.033, 15.2, _FIRESTORE, "2026-07"),
    "firestore_writes": Price("Firestore", "100,000 writes", 0.099, 6.1, _FIRESTORE, "2025-06"),
    "firestore_storage": Price("Firestore", "GiB-month", 0.165, 1, _FIRESTORE, "2025-06"),
    "bigquery_storage": Price("BigQuery", "GiB-month, logical", 0.02, 10, "BigQuery pricing", "2025-06"),
    "logging": Price("Cloud Logging", "GiB", 0.50, 50, _OBSERVABILITY, "2025-06"),
    "alert_conditions": Price("Cloud Monitoring", "alert condition", 0.10, 0, _OBSERVABILITY, "2025-06"),
    "alert_series": Price("Cloud Monitoring", "million time series read", 0.35, 0, _OBSERVABILITY, "2025-06"),
    "images": Price("Artifact Registry", "GiB-month", 0.10, 0.5, "Artifact Registry pricing", "2025-06"),
    "build": Price("Cloud Build", "minute", 0.006, 2_500, "Cloud Build pricing, e2-standard-2", "2025-06"),
    "storage": Price("Cloud Storage", "GiB-month, standard", 0.02, 0, "Cloud Storage pricing", "2025-06"),
    "scheduler": Price("Cloud Scheduler", "job", 0.10, 3, "Cloud Scheduler pricing", "2025-06"),
}
