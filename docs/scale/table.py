"""The tables of `docs/scale.md`."""

from __future__ import annotations

from collections.abc import Sequence

from docs.costs import table as costs
from docs.costs import usage
from docs.costs.prices import PRICES, QUOTAS
from docs.costs.sizes import Sizes
from docs.scale import fleets
from docs.scale.fleets import BATCHES, FLEETS


def markdown(sizes: Sizes) -> str:
    """All tables."""
    return "\n\n".join([_message(sizes), _fleets(sizes), _limits(sizes), _first(sizes), _quotas()]) + "\n"


def _message(sizes: Sizes) -> str:
    rows = [["each message of one reading", "USD a million messages"], ["---", "--:"]]
    total = 0.0
    for operation in fleets.operations(sizes):
        usd = sum(quantity * PRICES[key].usd for key, quantity in operation.units)
        total += usd
        rows.append([f"{operation.what}: {operation.each}", f"{usd:.2f}"])
    rows.append(["**sum at list prices**", f"**{total:.2f}**"])
    return _table(rows)


def _fleets(sizes: Sizes) -> str:
    columns = [fleets.scenario(sizes, devices, batch) for batch in BATCHES for devices in FLEETS]
    rows = [
        [
            "",
            *(f"{c.devices:,}, {'one reading' if c.batch == 1 else f'{c.batch} readings'} a message" for c in columns),
        ],
        ["---", *("--:" for _ in columns)],
    ]
    found = [fleets.rates(c, sizes) for c in columns]
    bills = [costs.bill(usage.items(c, sizes)) for c in columns]
    rows.append(["messages/s", *(_number(r.messages) for r in found)])
    rows.append(["decisions/s", *(_number(r.decisions) for r in found)])
    rows.append(["store reads and writes/s", *(_number(2 * r.messages) for r in found)])
    rows.append(["published, MB/s", *(_number(r.published / 1e6) for r in found)])
    rows.append(["states in the store, GiB", *(_number(c.devices * sizes.state / usage.GIB) for c in columns)])
    for part in ("Pub/Sub", "BigQuery", "Firestore", "Function", "API", "Request logs"):
        rows.append([f"{part}, USD a month", *(f"{b.parts[part]:,.0f}" for b in bills)])
    rows.append(["**to be paid, USD a month**", *(f"**{b.paid:,.0f}**" for b in bills)])
    rows.append(["cents a device", *(f"{100 * b.paid / c.devices:.2f}" for b, c in zip(bills, columns, strict=True))])
    return _table(rows)


def _limits(sizes: Sizes) -> str:
    columns = [fleets.loads(fleets.scenario(sizes, devices), sizes) for devices in FLEETS]
    rows = [
        ["limit", "takes", *(f"{d:,} devices" for d in FLEETS), "where it is not enough"],
        ["---", *["--:"] * 4, "---"],
    ]
    for same in zip(*columns, strict=True):
        first = same[0]
        asked = (f"{_number(x.asked)} ({_percent(x.share)})" for x in same)
        marked = (f"**{text}**" if x.share > 1 else text for x, text in zip(same, asked, strict=True))
        rows.append([first.part, f"{_number(first.most)} {first.unit}", *marked, first.remedy])
    return _table(rows)


def _first(sizes: Sizes) -> str:
    lines = []
    for devices in FLEETS:
        fleet = fleets.scenario(sizes, devices)
        worst = max(fleets.loads(fleet, sizes), key=lambda x: x.share)
        over = "is the first to give way" if worst.share > 1 else "is the fullest, and enough"
        lines.append(f"- {devices:,} devices: {worst.part} ({_percent(worst.share)}) {over}")
    nodes = fleets.bigtable_nodes(fleets.rates(fleets.scenario(sizes, FLEETS[-1]), sizes).messages, sizes)
    lines.append(
        f"- The states of {FLEETS[-1]:,} devices would take {nodes} nodes of Bigtable with one reading a message, as "
        f"rows of 1 KB count"
    )
    return "The first bottleneck, with one reading a message and Terraform's defaults:\n\n" + "\n".join(lines)


def _quotas() -> str:
    rows = [["quota", "takes", "source", "as of"], ["---", "--:", "---", "---"]]
    rows += [[f"{q.service}: {q.unit}", f"{q.most:,.0f}", q.source, q.as_of] for q in QUOTAS.values()]
    return _table(rows)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{share:,.0%}".replace("%", " %") if share >= 0.01 else "below 1 %"


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
