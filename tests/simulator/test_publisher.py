from __future__ import annotations

import gc
import io
import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import MessageError
from aiot_anomaly.messages import Reading, ReadingBatch, check_against, parse_readings
from simulator import outgoing
from simulator.errors import SimulatorError
from simulator.faults import Faults, Rated
from simulator.outgoing import Outgoing
from simulator.publisher import Summary, publish
from simulator.sinks import LinesSink

LEAK = profile_store.load("leak")
START = 1_769_990_400


def recording(device: str, *, offset: int = 0, rows: int = 10) -> Recording:
    values = np.full((rows, 6), 40.0)
    values[0, 1] = np.nan
    return Recording(device, START + offset + 900 * np.arange(rows), values, np.arange(rows) > 4)


class Memory:
    """Keeps what was sent; presses Ctrl-C after `stop` messages."""

    def __init__(self, stop: int | None = None) -> None:
        self.sent: list[tuple[Outgoing, Mapping[str, str]]] = []
        self.closed = False
        self._stop = stop

    def send(self, message: Outgoing, attributes: Mapping[str, str]) -> None:
        if len(self.sent) == self._stop:
            raise KeyboardInterrupt
        self.sent.append((message, attributes))

    def close(self) -> None:
        self.closed = True


def batches(sink: Memory) -> list[ReadingBatch]:
    return [parse_readings(m.data) for m, _ in sink.sent if m.kind != "poison"]


def test_every_reading_is_sent_once_in_time_order_and_devices_take_turns() -> None:
    sink = Memory()
    summary = publish([recording("dma-02", offset=450), recording("dma-01")], LEAK, sink, batch=3)
    assert (summary.messages, summary.rows_published, summary.devices) == (8, 20, 2)
    sent = batches(sink)
    assert [b.device_id for b in sent] == ["dma-01", "dma-02"] * 4
    for device in ("dma-01", "dma-02"):
        times = [r.timestamp for b in sent if b.device_id == device for r in b.readings]
        assert len(times) == 10
        assert times == sorted(times)
    assert sink.closed


def test_a_missing_value_is_null_and_labels_stay_behind() -> None:
    sink = Memory()
    publish([recording("dma-01")], LEAK, sink)
    first = json.loads(sink.sent[0][0].data)
    assert first.keys() == {"device_id", "readings"}
    assert first["readings"][0].keys() == {"timestamp", "values"}
    assert first["readings"][0]["values"] == dict.fromkeys(LEAK.sensor_names, 40.0) | {"pressure_1_m": None}
    assert not any(word in m.data for m, _ in sink.sent for word in (b"label", b"truth", b"anomal", b"leak"))


def test_attributes_name_the_profile_and_the_time_of_sending() -> None:
    sink, before = Memory(), time.time()
    publish([recording("dma-01", rows=1)], LEAK, sink)
    attributes = sink.sent[0][1]
    assert attributes["profile"] == "leak"
    assert attributes["schema_version"] == "1"
    assert before - 1e-3 <= float(attributes["sent_at"]) <= time.time() + 1e-3


def test_duplicates_and_poison_come_on_top_and_the_summary_counts_them() -> None:
    sink = Memory()
    summary = publish([recording("dma-01", rows=200)], LEAK, sink, batch=2, duplicates=0.2, poison=14, seed=3)
    kinds = [m.kind for m, _ in sink.sent]
    assert kinds.count("reading") == 100
    assert summary.duplicates == kinds.count("duplicate")
    assert 5 < summary.duplicates < 40
    assert summary.poison == kinds.count("poison") == 14
    assert summary.messages == len(kinds)
    assert summary.rows_published == 2 * (100 + summary.duplicates) == sum(len(b.readings) for b in batches(sink))
    again = Memory()
    publish([recording("dma-01", rows=200)], LEAK, again, batch=2, duplicates=0.2, poison=14, seed=3)
    assert [m.data for m, _ in again.sent] == [m.data for m, _ in sink.sent]


def test_every_poison_is_one_that_the_contract_refuses() -> None:
    sink = Memory()
    publish([recording("dma-01", rows=20)], LEAK, sink, poison=7)
    poison = [m.data for m, _ in sink.sent if m.kind == "poison"]
    assert len(set(poison)) == 7
    for data in poison:
        with pytest.raises(MessageError):
            check_against(parse_readings(data), LEAK, datetime.now(UTC))


def test_the_rate_is_kept() -> None:
    begin = time.monotonic()
    publish([recording("dma-01", rows=11)], LEAK, Memory(), rate=50)
    assert 0.18 < time.monotonic() - begin < 2


def test_ctrl_c_ends_in_order_and_tells_what_was_sent() -> None:
    sink = Memory(stop=4)
    summary = publish([recording("dma-01")], LEAK, sink, batch=2)
    assert summary.interrupted
    assert (summary.messages, summary.rows_published) == (4, 8)
    assert sink.closed
    assert str(summary).startswith("interrupted: 4 messages")


def test_garbage_is_not_looked_for_in_what_was_there_before_until_the_end() -> None:
    frozen: list[int] = []

    class Counting(Memory):
        def send(self, message: Outgoing, attributes: Mapping[str, str]) -> None:
            frozen.append(gc.get_freeze_count())
            super().send(message, attributes)

    before = gc.get_freeze_count()
    publish([recording("dma-01")], LEAK, Counting(stop=4))
    assert min(frozen) > before
    assert gc.get_freeze_count() == before


def test_a_reading_of_the_future_is_never_sent() -> None:
    sink = Memory()
    with pytest.raises(SimulatorError, match="future"):
        publish([recording("dma-01", offset=10**9)], LEAK, sink)
    assert sink.sent == []


@pytest.mark.parametrize("asked", [{"batch": 0}, {"rate": -1.0}, {"speed": -1.0}, {"duplicates": 1.5}, {"poison": -1}])
def test_numbers_that_make_no_sense_are_refused(asked: dict[str, float]) -> None:
    with pytest.raises(SimulatorError, match="expected a batch"):
        publish([recording("dma-01")], LEAK, Memory(), **asked)


def test_lines_hold_a_message_each(tmp_path: Path) -> None:
    stream = io.BytesIO()
    publish([recording("dma-01")], LEAK, LinesSink(stream), batch=4)
    publish([recording("dma-01")], LEAK, LinesSink(tmp_path / "a" / "out.jsonl"), batch=4)
    assert (tmp_path / "a" / "out.jsonl").read_bytes() == stream.getvalue()
    assert [len(parse_readings(line).readings) for line in stream.getvalue().splitlines()] == [4, 4, 2]


def test_the_summary_is_written_as_json(tmp_path: Path) -> None:
    Summary(messages=3, rows_published=6).write(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["rows_published"] == 6


def test_every_fault_is_counted_and_the_rest_arrives_unharmed() -> None:
    fleet = [recording(f"dma-{k:02}", rows=300) for k in range(1, 9)]
    faults = Faults(late=Rated(0.1, 7200), gaps=Rated(0.5, 7200), corrupt=0.05, skew=Rated(0.5, 60))
    runs = []
    for _ in range(2):
        sink = Memory()
        runs.append((publish(fleet, LEAK, sink, batch=2, duplicates=0.1, poison=7, faults=faults, seed=5), sink))
    (summary, sink), (_, again) = runs
    assert [m for m, _ in sink.sent] == [m for m, _ in again.sent]
    kinds = [m.kind for m, _ in sink.sent]
    counted = (summary.duplicates, summary.corrupt, summary.poison)
    assert counted == tuple(map(kinds.count, ("duplicate", "corrupt", "poison")))
    assert summary.late == sum(m.delay > 0 for m, _ in sink.sent)
    assert min(*counted, summary.late, summary.out_of_order, summary.rows_unsent, summary.skewed) > 0
    assert summary.skewed < summary.devices == 8
    good = [parse_readings(m.data) for m, _ in sink.sent if m.rows]
    assert sum(len(b.readings) for b in good) == summary.rows_published
    heard = sum(map(len, fleet)) - summary.rows_unsent
    honest = {(b.device_id, r.timestamp) for b in good for r in b.readings}
    assert heard - 2 * summary.corrupt <= len(honest) <= heard


def test_a_speed_spaces_the_messages_as_their_timestamps_do() -> None:
    begin = time.monotonic()
    publish([recording("dma-01", rows=11)], LEAK, Memory(), speed=45_000)
    assert 0.18 < time.monotonic() - begin < 2


@given(
    values=st.lists(st.floats(allow_infinity=False, width=64), min_size=6, max_size=6),
    when=st.integers(0, 4_000_000_000),
)
def test_a_message_has_the_bytes_that_the_contract_writes(values: list[float], when: int) -> None:
    one = Recording("dma-01", np.array([when]), np.array([values]))
    (message,) = outgoing.in_time_order([one], LEAK.sensor_names, 1)
    named = {s: None if math.isnan(v) else v for s, v in zip(LEAK.sensor_names, values, strict=True)}
    reading = Reading(timestamp=datetime.fromtimestamp(when, UTC), values=named)
    assert message.data == ReadingBatch(device_id="dma-01", readings=[reading]).encode()


def test_what_no_message_can_carry_is_refused_before_the_first_one() -> None:
    for device, value, match in (("pump 1", 1.0, "device id 'pump 1'"), ("pump-1", math.inf, "infinite value")):
        sink = Memory()
        with pytest.raises(SimulatorError, match=match):
            publish([Recording(device, np.array([START]), np.full((1, 6), value))], LEAK, sink)
        assert sink.sent == []
