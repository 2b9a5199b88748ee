"""The bill as Markdown: what each part costs, what is free, and which part weighs most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from docs.costs import usage
from docs.costs.prices import PRICES, Key
from docs.costs.sizes import Sizes
from docs.costs.usage import Item, Scenario

PROFILE = "leak"


@dataclass(frozen=True)
class Bill:
    """What a month costs: by part at list prices, what of it is free, and what is left."""

    parts: dict[str, float]
    free: float

    @property
    def listed(self) -> float:
        """The sum at list prices."""
        return sum(self.parts.values())

    @property
    def paid(self) -> float:
        """The sum without what is free."""
        return self.listed - self.free


def bill(items: Sequence[Item]) -> Bill:
    """Adds up; the free quantity of a price counts once, whatever parts use it."""
    parts, quantities = defaultdict[str, float](float), defaultdict[Key, float](float)
    for item in items:
        parts[item.what] += item.quantity * PRICES[item.key].usd
        quantities[item.key] += item.quantity
    free = sum(min(quantity, PRICES[key].free) * PRICES[key].usd for key, quantity in quantities.items())
    return Bill(dict(parts), free)


def scenarios(sizes: Sizes) -> tuple[Scenario, ...]:
    """At rest, with instances kept warm, and 1,000 devices that report as the profile says, or once a minute."""
    interval = sizes.profile.interval_s
    return (
        Scenario("at rest", 0, interval),
        Scenario("at rest, `prod.tfvars`", 0, interval, environment="prod"),
        Scenario(f"1,000 devices, every {interval / 60:g} min", 1_000, interval),
        Scenario("1,000 devices, every minute", 1_000, 60),
        Scenario("the same, 15 readings a message", 1_000, 60, batch=15),
    )


def markdown(sizes: Sizes) -> str:
    """All tables."""
    columns = scenarios(sizes)
    bills = [bill(usage.items(scenario, sizes)) for scenario in columns]
    return "\n\n".join([_bills(columns, bills), _weight(columns, bills), _measured(sizes), _prices()]) + "\n"


def _bills(columns: Sequence[Scenario], bills: Sequence[Bill]) -> str:
    rows = [["USD a month", *(c.title for c in columns)], ["---", *("--:" for _ in columns)]]
    for part in bills[0].parts:
        if any(b.parts[part] for b in bills):
            rows.append([part, *(f"{b.parts[part]:.2f}" for b in bills)])
    rows.append(["sum at list prices", *(f"{b.listed:.2f}" for b in bills)])
    rows.append(["free of it", *(f"−{b.free:.2f}" for b in bills)])
    rows.append(["**to be paid**", *(f"**{b.paid:.2f}**" for b in bills)])
    return _table(rows)


def _weight(columns: Sequence[Scenario], bills: Sequence[Bill]) -> str:
    lines = []
    for scenario, one in zip(columns, bills, strict=True):
        part, usd = max(one.parts.items(), key=lambda p: p[1])
        lines.append(f"- {scenario.title}: {part} is {usd / one.listed:.0%} of the list price".replace("%", " %"))
    return "What weighs most:\n\n" + "\n".join(lines)


def _measured(sizes: Sizes) -> str:
    return (
        f"Measured, rounded up to 500 bytes: a reading of `{sizes.profile.name}` {sizes.reading:,} with what Pub/Sub "
        f"adds, a decision {sizes.decision:,},\na device's state {sizes.state:,}."
    )


def _prices() -> str:
    rows = [["price list", "unit", "USD", "free a month", "list as of"], ["---", "---", "--:", "--:", "---"]]
    rows += [
        [p.source, p.unit, f"{p.usd:.7f}".rstrip("0"), f"{p.free:,.7g}" if p.free else "–", p.as_of]
        for p in PRICES.values()
    ]
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
