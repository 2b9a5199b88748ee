from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import leak
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.leak import Leak

END = 1_769_990_400  # 2026-02-02T00:00:00Z


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("dma-01:8%:2026-01-25T00:00Z:5", Leak("dma-01", 0.08, END - 8 * DAY_S, END - 3 * DAY_S)),
        ("dma-01:8%:2026-01-25T01:00+01:00:5", Leak("dma-01", 0.08, END - 8 * DAY_S, END - 3 * DAY_S)),
        ("dma-01:8%:-8d:5,grows=2.5", Leak("dma-01", 0.08, END - 8 * DAY_S, END - 3 * DAY_S, None, 216_000)),
        (
            "dma-01@15:8%:-8d:5,grows=5,orifice",
            Leak("dma-01", 0.08, END - 8 * DAY_S, END - 3 * DAY_S, "15", 432_000, True),
        ),
        ("DMA-12@115:2.5%:-36h:0.5", Leak("dma-12", 0.025, END - 129_600, END - 86_400, "115")),
    ],
)
def test_a_leak_is_read_from_one_word(spec: str, expected: Leak) -> None:
    assert leak.parse(spec, end=END) == expected


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "dma-01:8:-5d:5",
        "dma-01:8%:-5d",
        "dma-01:8%:soon:5",
        "dma-01:0%:-5d:5",
        "dma-01:8%:-5d:0",
        "x:8%:-5d:5",
        "dma-01:8%:-5d:5,grows=6",
    ],
)
def test_what_is_not_a_leak_is_refused(spec: str) -> None:
    with pytest.raises(SimulatorError):
        leak.parse(spec, end=END)


def test_random_leaks_have_periods_of_their_own_with_normal_days_after_each() -> None:
    start = END - 98 * DAY_S
    asked = {"each": 5, "sizes": (0.02, 0.05, 0.1), "days": 7, "quiet_days": 28}
    leaks = leak.random_leaks([3, 4], start, END, seed=1, **asked)
    assert leaks == leak.random_leaks([3, 4], start, END, seed=1, **asked)
    assert leaks != leak.random_leaks([3, 4], start, END, seed=2, **asked)
    for device in ("dma-03", "dma-04"):
        ours = [k for k in leaks if k.device_id == device]
        assert sorted(k.size for k in ours) == [0.02, 0.02, 0.05, 0.05, 0.1]
        assert ours[0].start >= start + 28 * DAY_S
        assert ours[-1].end <= END
        assert all(a.end + 3 * DAY_S < b.start for a, b in pairwise(ours))


@given(growth=st.integers(1, 5 * DAY_S), after=st.integers(-DAY_S, 6 * DAY_S))
def test_an_incipient_leak_grows_with_the_square_of_the_time_until_it_is_full(growth: int, after: int) -> None:
    leak = Leak("dma-01", 0.1, END, END + 5 * DAY_S, growth_s=growth)
    (opening,) = leak.opening(np.array([END + after]))
    if not 0 <= after < 5 * DAY_S:
        assert opening == 0
    else:
        # the hole's diameter grows linearly, its area with the square
        assert opening == pytest.approx(min(after / growth, 1) ** 2)
    assert leak.truth(0, END * 2).kind == "incipient leak"


def test_a_range_too_short_for_the_random_leaks_is_refused() -> None:
    with pytest.raises(SimulatorError, match=r"need 42, .* the range has 20"):
        leak.random_leaks([1], END - 20 * DAY_S, END, each=3, sizes=(0.1,), days=7, seed=0)
