from __future__ import annotations

import pytest

from local import story

HOUR = 1_780_272_000


@pytest.mark.parametrize(
    ("now", "last"),
    [(HOUR, HOUR - 3600), (HOUR + 899.9, HOUR - 3600), (HOUR + 900, HOUR), (HOUR + 3599.9, HOUR)],
)
def test_the_districts_end_at_a_full_hour_and_never_in_the_future(now: float, last: int) -> None:
    assert story.last_hour(now, 900) == last
    assert last + 900 <= now
    assert last % 3600 == 0


def test_the_districts_end_where_their_windows_end() -> None:
    part = story.districts(HOUR + 1800.0)
    stride_s = part.profile.interval_s * part.profile.window.stride
    assert all(r.timestamps[-1] == HOUR and r.timestamps[-1] % stride_s == 0 for r in part.recordings)
    (leak,) = part.truth
    assert (leak.device_id, leak.kind, leak.size) == ("dma-01", "leak", story.LEAK_SHARE)
    assert leak.start < HOUR <= leak.end
