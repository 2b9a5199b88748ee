"""How much of everything a month uses, at rest and with a fleet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from docs.costs.prices import Key
from docs.costs.sizes import Sizes, alert_conditions, setting

DAY_S = 86_400
MONTH_S = 30.4375 * DAY_S
WEEKS = MONTH_S / (7 * DAY_S)
GIB = 2**30

#: billed at least for each request to Pub/Sub
PUBSUB_LEAST = 1_000
#: of a message in the function, and of a request in the API: Cloud Run bills steps of 100 ms, and what was measured on
#: two cores is below that (README: 62 ms from publishing a reading to its decision, at 20 a second)
REQUEST_S = 0.1
#: seconds of a processor that a message costs in the function, and a window in the API: what docs/stream.md measured of
#: its process with Firestore, and what docs/serving.md did of requests one after another on one core, both rounded up
CPU_S = {"function": 0.006, "api": 0.0007}
#: Cloud Run's own log line of a request
REQUEST_LOG = 1_200
#: four notebooks took 4 to 6 minutes on two cores; the job simulates its fleet and starts, too
TRAINING_S = 900
#: API, function and training, whose versions share most of their layers
IMAGES_GIB = 4.0
#: two deployments a week with two images each
BUILD_MINUTES = 2 * WEEKS * 2 * 6
#: sources, runs of a training, Terraform's state
BUCKETS_GIB = 1.0
#: days, where Terraform says 0: what lies there after a year
FOR_EVER = 365
#: how often Cloud Monitoring evaluates a condition
ALERT_PERIOD_S = 60


@dataclass(frozen=True)
class Scenario:
    """A fleet.

    Attributes:
        title: what the table calls it.
        devices: how many.
        interval_s: between two readings of one of them.
        batch: readings a message.
        environment: a file of `terraform/environments/`; without one Terraform's defaults count.
    """

    title: str
    devices: int
    interval_s: float
    batch: int = 1
    environment: str | None = None

    def setting(self, variable: str, attribute: str) -> float:
        """A number of Terraform's settings."""
        return setting(variable, attribute, self.environment)


@dataclass(frozen=True)
class Item:
    """A line of the bill: `quantity` of the units of price `key`, for the sake of `what`."""

    what: str
    key: Key
    quantity: float


def items(scenario: Scenario, sizes: Sizes) -> list[Item]:
    """Everything that a month of the scenario uses."""
    return [*_always(scenario), *_data(scenario, sizes)]


def _always(scenario: Scenario) -> list[Item]:
    conditions = alert_conditions()
    trained_s = WEEKS * TRAINING_S
    return [
        Item("Training, weekly", "job_cpu", trained_s * scenario.setting("training", "cpu")),
        Item("Training, weekly", "job_memory", trained_s * scenario.setting("training", "memory")),
        Item("Training, weekly", "scheduler", 1),
        Item("Sweep", "scheduler", 1),
        Item("Delivery and storage", "build", BUILD_MINUTES),
        Item("Delivery and storage", "images", IMAGES_GIB),
        Item("Delivery and storage", "storage", BUCKETS_GIB),
        Item("Alerts", "alert_conditions", conditions),
        Item("Alerts", "alert_series", conditions * MONTH_S / ALERT_PERIOD_S / 1e6),
    ]


def _data(scenario: Scenario, sizes: Sizes) -> list[Item]:
    readings = scenario.devices * MONTH_S / scenario.interval_s
    messages = readings / scenario.batch
    decisions = readings / sizes.profile.window.stride
    message, decision = max(scenario.batch * sizes.reading, PUBSUB_LEAST), max(sizes.decision, PUBSUB_LEAST)
    # the windows that one message completes are asked about together
    calls = min(messages, decisions)
    days = MONTH_S / DAY_S
    replayed = readings * min(1.0, scenario.setting("pubsub", "replay_days") / days)
    unread = decisions * min(1.0, scenario.setting("pubsub", "kept_days") / days)
    kept = (
        readings * sizes.reading * (scenario.setting("bigquery", "readings_days") or FOR_EVER)
        + decisions * sizes.decision * (scenario.setting("bigquery", "decisions_days") or FOR_EVER)
    ) / days
    return [
        # published and pushed; published
        Item("Pub/Sub", "pubsub_delivery", (2 * messages * message + decisions * decision) / GIB),
        Item("Pub/Sub", "pubsub_storage", (replayed * sizes.reading + unread * sizes.decision) / GIB),
        Item("BigQuery", "pubsub_export", (readings * sizes.reading + decisions * sizes.decision) / GIB),
        Item("BigQuery", "bigquery_storage", kept / GIB),
        Item("Firestore", "firestore_reads", messages / 1e5),
        Item("Firestore", "firestore_writes", messages / 1e5),
        Item("Firestore", "firestore_storage", scenario.devices * sizes.state / GIB),
        *_requests(scenario, "Function", "function", messages),
        *_requests(scenario, "API", "api", calls),
        Item("Request logs", "logging", (messages + calls) * REQUEST_LOG / GIB),
    ]


def instances(variable: str, requests: float, environment: str | None = None) -> float:
    """How many instances work on `requests` a second: as many as take them at once, or as compute them."""
    at_once = requests * REQUEST_S / setting(variable, "concurrency", environment)
    computed = requests * CPU_S[variable] / setting(variable, "cpu", environment)
    return max(at_once, computed)


def _requests(scenario: Scenario, what: str, variable: str, requests: float) -> list[Item]:
    rate = requests / MONTH_S
    cpu, memory = scenario.setting(variable, "cpu"), scenario.setting(variable, "memory")
    # few requests come at random, and share an instance: billed is the time in which there is at least one
    shared = 1 - math.exp(-rate * REQUEST_S)
    busy_s = MONTH_S * max(shared, instances(variable, rate, scenario.environment))
    warm_s = max(0.0, scenario.setting(variable, "min_instances") * MONTH_S - busy_s)
    return [
        Item(what, "run_cpu", busy_s * cpu),
        Item(what, "run_memory", busy_s * memory),
        Item(what, "run_requests", requests / 1e6),
        Item(what, "run_idle_cpu", warm_s * cpu),
        Item(what, "run_idle_memory", warm_s * memory),
    ]
