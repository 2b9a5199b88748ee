"""How much of each part a fleet uses: operations a message, rates, and shares of what the part takes at most."""

from __future__ import annotations

import math
from dataclasses import dataclass

from docs.costs import usage
from docs.costs.prices import QUOTAS, Key
from docs.costs.sizes import Sizes, setting
from docs.costs.usage import Scenario

FLEETS = (1_000, 100_000, 10_000_000)
#: readings of a message: one, and as many as make up a decision of the `leak` profile
BATCHES = (1, 4)
#: a fleet that starts all at once waits so long at most; ours to choose, no quota
JOINED_MIN = 60


@dataclass(frozen=True)
class Operation:
    """Something that a message leads to: `units` of the price list, so many for a million messages."""

    what: str
    each: str
    units: tuple[tuple[Key, float], ...]


@dataclass(frozen=True)
class Load:
    """What is asked of one part, and what it takes; in the same unit.

    Attributes:
        part: and the limit that is meant.
        unit: of both numbers.
        asked: by the fleet.
        most: that it takes.
        remedy: what to do where that is too little.
    """

    part: str
    unit: str
    asked: float
    most: float
    remedy: str

    @property
    def share(self) -> float:
        """How much of it is used; above 1 it is not enough."""
        return self.asked / self.most


@dataclass(frozen=True)
class Rates:
    """What goes through a second."""

    messages: float
    decisions: float
    calls: float
    published: float


def scenario(sizes: Sizes, devices: int, batch: int = 1) -> Scenario:
    """A fleet whose devices report as its profile says."""
    return Scenario(f"{devices:,} devices", devices, sizes.profile.interval_s, batch=batch)


def rates(fleet: Scenario, sizes: Sizes) -> Rates:
    """Messages, decisions and calls of the API a second, and bytes published a second."""
    readings = fleet.devices / fleet.interval_s
    messages, decisions = readings / fleet.batch, readings / sizes.profile.window.stride
    published = messages * max(usage.PUBSUB_LEAST, fleet.batch * sizes.reading) + decisions * sizes.decision
    return Rates(messages, decisions, min(messages, decisions), published)


def operations(sizes: Sizes) -> list[Operation]:
    """What a message of one reading leads to, of which every `stride`-th closes a window."""
    stride = sizes.profile.window.stride
    million = Scenario("", 1_000_000, usage.MONTH_S)
    parts: dict[str, list[tuple[Key, float]]] = {}
    for item in usage.items(million, sizes):
        parts.setdefault(item.what, []).append((item.key, item.quantity))
    each = {
        "Pub/Sub": f"1 published, 1 pushed, 1/{stride} decision published; kept for replay",
        "Function": "1 request",
        "Firestore": "1 document read, 1 written",
        "API": f"1/{stride} request",
        "BigQuery": f"1 row of readings, 1/{stride} row of decisions",
        "Request logs": f"1 line of the function, 1/{stride} of the API",
    }
    # what is always there, such as a warm instance or a state that lies in the store, is no part of a message
    standing = {"run_idle_cpu", "run_idle_memory", "firestore_storage"}
    return [
        Operation(what, text, tuple((k, q) for k, q in parts[what] if k not in standing)) for what, text in each.items()
    ]


def loads(fleet: Scenario, sizes: Sizes) -> list[Load]:
    """What the fleet asks of everything that has a limit."""
    r = rates(fleet, sizes)
    every = fleet.interval_s * fleet.batch
    ramp = 5 * max(0.0, math.log(max(1.0, 2 * r.messages / QUOTAS["first_operations"].most), 1.5))
    return [
        Load(
            "Function: instances", "instances", usage.instances("function", r.messages),
            setting("function", "max_instances"), "raise `function.max_instances`; more readings a message",
        ),
        Load(
            "API: instances", "instances", usage.instances("api", r.calls),
            setting("api", "max_instances"), "raise `api.max_instances`",
        ),
        Load(
            "Pub/Sub: publishing", "MB/s", r.published / 1e6, QUOTAS["publish_bytes"].most / 1e6,
            "ask for more; a project a region",
        ),
        Load(
            "Pub/Sub: one device's key", "kB/s", max(sizes.reading * fleet.batch, usage.PUBSUB_LEAST) / every / 1e3,
            QUOTAS["key_bytes"].most / 1e3, "no device comes near",
        ),
        Load(
            "Firestore: one device's document", "writes/s", 1 / every, QUOTAS["document_writes"].most,
            "more readings a message",
        ),
        Load(
            "Firestore: size of a document", "kB", sizes.state / 1e3, QUOTAS["document_bytes"].most / 1e3,
            "a shorter window or fewer sensors",
        ),
        Load(
            "Firestore: minutes until it is warm", "min", ramp, JOINED_MIN,
            "let the fleet join over hours, or keep states in Bigtable",
        ),
    ]  # fmt: skip


def bigtable_nodes(messages: float, sizes: Sizes) -> int:
    """Nodes that write the states of so many messages a second, counted in rows of 1 KB; three at least for safety."""
    rows = messages * math.ceil(sizes.state / 1_000)
    return max(3, math.ceil(rows / QUOTAS["bigtable_writes"].most))
