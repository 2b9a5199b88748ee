from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import MessageError
from aiot_anomaly.messages import Reading, ReadingBatch, parse_readings
from simulator import faults, outgoing
from simulator.clock import DAY_S
from simulator.errors import SimulatorError
from simulator.faults import Faults, Rated

LEAK = profile_store.load("leak")
START = 1_769_990_400


def recording(device: str = "dma-01", *, rows: int = 400, interval_s: int = 900) -> Recording:
    times = START + interval_s * np.arange(rows)
    return Recording(device, times, np.linspace(20, 60, 6 * rows).reshape(rows, 6), np.arange(rows) > 4)


def messages(*recordings: Recording, batch: int = 1) -> list[outgoing.Outgoing]:
    return list(outgoing.in_time_order(recordings, LEAK.sensor_names, batch))


def test_a_silent_device_loses_the_rows_of_its_silence_and_no_others() -> None:
    whole = recording(rows=96 * 60)
    left = faults.heard(whole, Rated(0.5, 3 * 3600), seed=1)
    at = np.searchsorted(whole.timestamps, left.timestamps)
    np.testing.assert_array_equal(whole.values[at], left.values)
    assert left.labels is not None
    silences = np.diff(left.timestamps)
    # sixty days, half a silence a day of three hours on average: about 30 of them and 6 % of the rows
    assert 15 < np.count_nonzero(silences > 900) < 50
    assert 0.02 < 1 - len(left) / len(whole) < 0.12
    assert faults.heard(whole, faults.NEVER, seed=1) is whole


def test_what_befalls_a_device_follows_from_the_seed_and_its_name_alone() -> None:
    gaps, skew = Rated(1, 7200), Rated(1, 600)
    times = [faults.heard(recording(d, rows=960), gaps, seed).timestamps.tolist() for d, seed in (("a", 1), ("a", 1))]
    assert times[0] == times[1]
    assert times[0] != faults.heard(recording("b", rows=960), gaps, 1).timestamps.tolist()
    assert times[0] != faults.heard(recording("a", rows=960), gaps, 2).timestamps.tolist()
    assert faults.clock_error("a", skew, 1) == faults.clock_error("a", skew, 1) != faults.clock_error("b", skew, 1)


def test_a_share_of_the_clocks_is_wrong_by_up_to_the_largest_error_in_both_directions() -> None:
    errors = np.array([faults.clock_error(f"dma-{k:03}", Rated(0.3, 90), 5) for k in range(1000)])
    assert 240 < np.count_nonzero(errors) < 360
    assert errors.min() < -60
    assert errors.max() > 60
    assert np.abs(errors).max() <= 90
    assert not any(faults.clock_error(f"dma-{k:03}", faults.NEVER, 5) for k in range(50))


def test_a_wrong_clock_shifts_the_timestamps_and_not_the_order_of_sending() -> None:
    right = messages(recording("a", rows=9), recording("b", rows=9), batch=2)
    wrong = list(
        outgoing.in_time_order([recording("a", rows=9), recording("b", rows=9)], LEAK.sensor_names, 2, {"a": -3600})
    )
    assert [(m.device_id, m.last) for m in wrong] == [(m.device_id, m.last) for m in right]
    for before, after in zip(right, wrong, strict=True):
        old, new = parse_readings(before.data), parse_readings(after.data)
        shifts = {(a.timestamp - b.timestamp).total_seconds() for a, b in zip(new.readings, old.readings, strict=True)}
        assert shifts == {-3600.0 if before.device_id == "a" else 0.0}
        assert [r.values for r in new.readings] == [r.values for r in old.readings]


@given(
    at=st.integers(1, 10_000),
    cut=st.booleans(),
    values=st.lists(st.floats(-1e9, 1e9) | st.none(), min_size=6, max_size=6),
)
def test_damaged_data_is_never_a_message(at: int, cut: bool, values: list[float | None]) -> None:
    reading = Reading(
        timestamp=datetime(2026, 2, 2, tzinfo=UTC), values=dict(zip(LEAK.sensor_names, values, strict=True))
    )
    data = ReadingBatch(device_id="dma-01", readings=[reading]).encode()
    with pytest.raises(MessageError):
        parse_readings(faults.damaged(data, 1 + at % (len(data) - 1), cut=cut))


def test_a_share_of_the_messages_is_corrupt_and_counts_no_rows() -> None:
    honest = messages(recording(rows=1000))
    spoilt = list(faults.corrupted(honest, 0.2, seed=3))
    assert len(spoilt) == len(honest)
    changed = [m for m in spoilt if m.kind == "corrupt"]
    assert 150 < len(changed) < 250
    assert {m.rows for m in changed} == {0}
    for message in changed:
        with pytest.raises(MessageError):
            parse_readings(message.data)
    assert [m for m in spoilt if m.kind == "reading"] == [
        m for m, s in zip(honest, spoilt, strict=True) if s.kind == "reading"
    ]


@given(share=st.floats(0, 1), longest=st.floats(0, 10 * DAY_S), seed=st.integers(0, 2**32))
def test_every_late_message_follows_those_that_fell_due_during_its_delay(
    share: float, longest: float, seed: int
) -> None:
    honest = messages(recording("a", rows=40), recording("b", rows=40))
    sent = list(faults.delayed(honest, Rated(share, longest), seed))
    assert sorted(m.data for m in sent) == sorted(m.data for m in honest)
    assert all(0 <= m.delay <= longest for m in sent)
    arrivals = [m.last + m.delay for m in sent]
    assert arrivals == sorted(arrivals)


def test_a_specification_is_read_and_a_mistake_in_it_explained() -> None:
    assert faults.parse("0.05:2h", "--late") == Rated(0.05, 7200)
    assert faults.parse("2:30m", "--gaps") == Rated(2, 1800)
    for spec in ("0.05", "0.05:2", "often:2h", ":2h", "0.05:-2h"):
        with pytest.raises(SimulatorError, match=r"expected a (rate|number)"):
            faults.parse(spec, "--late")


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"late": Rated(1.5, 60)}, "late: 1.5 is no share"),
        ({"corrupt": -0.1}, "corrupt: -0.1 is no share"),
        ({"skew": Rated(float("nan"), 60)}, "skew: nan is no share"),
        ({"gaps": Rated(-1, 60)}, "gaps: -1 a day"),
        ({"gaps": Rated(1, -60)}, "a negative time"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(asked: dict[str, Rated], match: str) -> None:
    with pytest.raises(SimulatorError, match=match):
        Faults(**asked)  # type: ignore[arg-type]  # one of them is a number
