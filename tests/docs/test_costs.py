from __future__ import annotations

import math
import re
from typing import get_args

import pytest

from docs.costs import __main__ as command
from docs.costs import sizes, table, usage
from docs.costs.prices import PRICES, Key
from docs.costs.sizes import Sizes
from docs.costs.usage import Item, Scenario
from docs.guide import included


@pytest.fixture(scope="module")
def measured() -> Sizes:
    return sizes.measure(table.PROFILE)


def quantity(items: list[Item], what: str, key: Key) -> float:
    return sum(i.quantity for i in items if (i.what, i.key) == (what, key))


def test_every_price_is_declared_with_its_source_and_is_used(measured: Sizes) -> None:
    used = {i.key for s in table.scenarios(measured) for i in usage.items(s, measured)}
    assert used == set(PRICES) == set(get_args(Key))
    assert all(p.usd > 0 and p.source and len(p.as_of) == len("2025-06") for p in PRICES.values())


def test_a_month_of_readings_every_15_minutes_is_what_one_counts_by_hand(measured: Sizes) -> None:
    items = usage.items(Scenario("", 1_000, 900), measured)
    readings = 1_000 * 30.4375 * 96
    assert quantity(items, "Firestore", "firestore_writes") == pytest.approx(readings / 1e5)
    assert quantity(items, "Function", "run_requests") == pytest.approx(readings / 1e6)
    # the leak profile decides every fourth reading
    assert quantity(items, "API", "run_requests") == pytest.approx(readings / 4 / 1e6)
    # a small message is billed as 1,000 bytes, once published and once pushed
    assert measured.reading < 1_000 < measured.decision
    assert quantity(items, "Pub/Sub", "pubsub_delivery") * 2**30 == pytest.approx(
        readings * 2_000 + readings / 4 * measured.decision
    )
    load = 1_000 / 900 * 0.1
    assert quantity(items, "Function", "run_cpu") == pytest.approx(30.4375 * 86_400 * (1 - math.exp(-load)))


def test_at_rest_nothing_of_the_data_is_paid_for(measured: Sizes) -> None:
    resting = table.bill(usage.items(table.scenarios(measured)[0], measured))
    busy = table.bill(usage.items(table.scenarios(measured)[-1], measured))
    for part in ("Pub/Sub", "BigQuery", "Firestore", "Function", "API", "Request logs"):
        assert resting.parts[part] == 0
        assert busy.parts[part] > 0


def test_readings_that_share_a_message_share_its_cost(measured: Sizes) -> None:
    one, fifteen = (usage.items(s, measured) for s in table.scenarios(measured)[-2:])
    for what, key in (("Firestore", "firestore_writes"), ("Function", "run_requests")):
        assert quantity(one, what, key) == pytest.approx(15 * quantity(fifteen, what, key))
    assert quantity(one, "BigQuery", "pubsub_export") == quantity(fifteen, "BigQuery", "pubsub_export")
    assert table.bill(fifteen).paid < table.bill(one).paid / 3


def test_what_is_free_counts_once_and_never_more_than_was_used() -> None:
    price = PRICES["run_requests"]
    small = table.bill([Item("a", "run_requests", 0.5), Item("b", "run_requests", 0.25)])
    assert small.paid == pytest.approx(0)
    assert small.listed == pytest.approx(0.75 * price.usd)
    large = table.bill([Item("a", "run_requests", 5), Item("b", "run_requests", 5)])
    assert large.paid == pytest.approx((10 - price.free) * price.usd)


def test_more_requests_than_an_instance_takes_have_more_instances(
    measured: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = usage.items(Scenario("", 1_000_000, 60), measured)
    # 16,667 messages a second: of 16 at once that take 100 ms each, an instance is full before its processor is
    found = quantity(items, "Function", "run_cpu") / (30.4375 * 86_400)
    assert found == pytest.approx(1_000_000 / 60 * 0.1 / 16) == usage.instances("function", 1_000_000 / 60)
    monkeypatch.setitem(usage.CPU_S, "function", 0.05)
    assert usage.instances("function", 1_000) == pytest.approx(1_000 * 0.05)


@pytest.mark.parametrize(
    ("part", "page", "measured_s"),
    [
        ("function", "stream.md", r"function, Firestore \| [^|]+\| [^|]+ to [^|]+\| (?P<ms>[\d.]+) ms"),
        ("api", "serving.md", r"\*\*this API\*\* \| (?P<rate>[\d,]+) \|"),
    ],
)
def test_a_request_costs_a_little_more_of_a_processor_than_was_measured(part: str, page: str, measured_s: str) -> None:
    found = re.search(measured_s, (sizes.ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert found is not None
    named = found.groupdict()
    seconds = float(named["ms"]) / 1_000 if "ms" in named else 1 / float(named["rate"].replace(",", ""))
    assert seconds <= usage.CPU_S[part] <= 2 * seconds, "measured anew: adapt CPU_S, run `make costs`"


def test_a_setting_is_that_of_the_environment_and_else_the_default() -> None:
    assert sizes.setting("api", "min_instances") == 0
    assert sizes.setting("api", "min_instances", "prod") == 1
    assert sizes.setting("training", "memory", "prod") == sizes.setting("training", "memory") >= 4
    with pytest.raises(LookupError, match=r"no default for api\.colour"):
        sizes.setting("api", "colour")


def test_an_instance_kept_warm_is_paid_for_at_rest(measured: Sizes) -> None:
    items = usage.items(table.scenarios(measured)[1], measured)
    assert quantity(items, "API", "run_idle_cpu") == pytest.approx(30.4375 * 86_400)
    assert table.bill(items).parts["API"] == pytest.approx(30.4375 * 86_400 * 2 * 0.0000025)


def test_the_guide_has_the_tables_as_they_are_now(measured: Sizes) -> None:
    guide = command.GUIDE.read_text(encoding="utf-8")
    assert included(guide, table.markdown(measured)) == guide, "run `make costs`"


def test_a_guide_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="0 places for the costs"):
        included("no place", "| table |")
