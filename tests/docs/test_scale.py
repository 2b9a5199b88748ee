from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from docs.costs import sizes
from docs.costs import table as costs
from docs.costs.prices import QUOTAS
from docs.costs.sizes import Sizes
from docs.guide import included
from docs.scale import __main__ as command
from docs.scale import fleets, table


@pytest.fixture(scope="module")
def measured() -> Sizes:
    return sizes.measure(costs.PROFILE)


def test_the_page_has_the_tables_as_they_are_now(measured: Sizes) -> None:
    page = command.GUIDE.read_text(encoding="utf-8")
    assert included(page, table.markdown(measured)) == page, "run `make costs`"


def test_what_ten_million_devices_ask_for_is_what_one_counts_by_hand(measured: Sizes) -> None:
    fleet = fleets.scenario(measured, 10_000_000)
    found = fleets.rates(fleet, measured)
    assert found.messages == pytest.approx(10_000_000 / 900)
    assert found.decisions == found.calls == pytest.approx(10_000_000 / 3_600)
    assert found.published == pytest.approx(found.messages * 1_000 + found.decisions * measured.decision)
    by_part = {x.part: x for x in fleets.loads(fleet, measured)}
    # each is billed for 100 ms, of which an instance takes 16 at once; their 5 ms of its processor would fill it less
    assert by_part["Function: instances"].asked == pytest.approx(found.messages * 0.1 / 16)
    assert by_part["Function: instances"].share > 1
    # 500 operations a second, and half as many again every five minutes, until there is one read and one write each
    minutes = by_part["Firestore: minutes until it is warm"].asked
    assert 500 * 1.5 ** (minutes / 5) == pytest.approx(2 * found.messages)
    nodes = fleets.bigtable_nodes(found.messages, measured)
    assert nodes == math.ceil(found.messages * math.ceil(measured.state / 1_000) / 14_000)


def test_more_readings_a_message_are_fewer_messages_and_as_many_decisions(measured: Sizes) -> None:
    one, four = (fleets.rates(fleets.scenario(measured, 100_000, batch), measured) for batch in (1, 4))
    assert one.messages == pytest.approx(4 * four.messages)
    assert one.decisions == four.decisions
    assert four.published < one.published


def test_a_message_costs_what_the_bill_of_a_fleet_says(measured: Sizes) -> None:
    million = sum(float(usd) for usd in re.findall(r"\| ([\d.]+) \|$", table.markdown(measured), re.MULTILINE)[:6])
    total = float(re.search(r"\*\*sum at list prices\*\* \| \*\*([\d.]+)", table.markdown(measured)).group(1))
    assert total == pytest.approx(million, abs=0.03)


def test_every_quota_is_told_with_its_source_and_date(measured: Sizes) -> None:
    text = table.markdown(measured)
    assert all(q.source in text and q.as_of in text for q in QUOTAS.values())


@pytest.mark.parametrize("page", ["scale.md", "scale.pt-BR.md"])
def test_both_languages_have_the_same_sections(page: str) -> None:
    folder = Path(command.GUIDE).parent
    shape = [re.findall(r"^#+ ", (folder / name).read_text(), re.MULTILINE) for name in (page, "scale.md")]
    assert shape[0] == shape[1]
