"""Messages: what is a reading, what is parked, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiot_anomaly.errors import MessageError
from aiot_anomaly.messages import (
    Reading,
    ReadingBatch,
    attributes,
    check_against,
    decision_id,
    parse_readings,
)
from tests.support.tiny_bundle import tiny_profile

NOW = datetime(2026, 11, 22, 19, tzinfo=UTC)
GOOD = {"device_id": "dma-07", "readings": [{"timestamp": "2026-11-22T19:00:00Z", "values": {"flow": 12.31}}]}


def spoilt(**changes) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def reading(**changes) -> bytes:
    return spoilt(readings=[{**GOOD["readings"][0], **changes}])


def test_a_message_of_the_contract_is_read():
    batch = parse_readings(json.dumps(GOOD).encode())
    assert batch.device_id == "dma-07"
    assert batch.readings == [Reading(timestamp=NOW, values={"flow": 12.31})]


times = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
values = st.dictionaries(st.sampled_from(["flow", "pressure"]), st.none() | st.floats(-1e300, 1e300))
batches = st.builds(
    ReadingBatch,
    device_id=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,20}\Z"),
    readings=st.lists(st.builds(Reading, timestamp=times, values=values), min_size=1, max_size=4),
)


@given(batches)
def test_what_is_encoded_is_read_back_as_it_was(batch):
    assert parse_readings(batch.encode()) == batch


@given(st.binary(max_size=60) | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
@example(b"\xff")
@example("[" * 100_000)
@example('{"device_id": "a", "readings": [{"timestamp": 1e300, "values": {}}]}')
def test_anything_else_is_parked_and_breaks_nothing(data):
    with pytest.raises(MessageError) as refused:
        parse_readings(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    assert refused.value.code == "malformed_message"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (spoilt(readings=[]), "readings"),
        (spoilt(device_id="a/b"), "device_id"),
        (spoilt(device_id=""), "device_id"),
        (spoilt(device_id="a\n"), "device_id"),
        (spoilt(label=1), "label"),
        (reading(anomaly=True), "readings.0.anomaly"),
        (reading(timestamp="2026-11-22T19:00:00"), "readings.0.timestamp"),
        (reading(timestamp="yesterday"), "readings.0.timestamp"),
        (reading(values={"flow": float("nan")}), "readings.0.values.flow"),
        (reading(values={"flow": float("inf")}), "readings.0.values.flow"),
        (reading(values={"flow": "much"}), "readings.0.values.flow"),
        (reading(values={f"s{i}": 1.0 for i in range(257)}), "readings.0.values"),
        (spoilt(readings=GOOD["readings"] * 10_001), "readings"),
    ],
)
def test_the_first_fault_is_named_by_its_place(data, where):
    with pytest.raises(MessageError) as refused:
        parse_readings(data)
    assert str(refused.value).startswith(f"{where}: ")


def test_a_null_value_is_missing_and_not_a_fault():
    batch = parse_readings(reading(values={"flow": None}))
    check_against(batch, tiny_profile(), NOW)
    assert batch.readings[0].values == {"flow": None}


def test_a_sensor_that_the_profile_does_not_know_is_refused_by_name():
    batch = parse_readings(reading(values={"flow": 1, "heat": 2, "age": 3}))
    with pytest.raises(MessageError, match="unknown sensor age, heat; profile tiny has flow, pressure") as refused:
        check_against(batch, tiny_profile(), NOW)
    assert refused.value.code == "unknown_sensor"


def test_a_clock_ahead_of_ours_is_refused_beyond_the_allowed_skew():
    skew = tiny_profile().stream.future_skew_s
    just = ReadingBatch(device_id="a", readings=[Reading(timestamp=NOW + timedelta(seconds=skew), values={})])
    check_against(just, tiny_profile(), NOW)
    with pytest.raises(MessageError, match="301 s in the future; profile tiny allows 300 s") as refused:
        check_against(just, tiny_profile(), NOW - timedelta(seconds=1))
    assert refused.value.code == "future_timestamp"


def test_the_same_window_has_the_same_decision_id_in_every_zone():
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert decision_id("leak", "dma-07", NOW) == "leak/dma-07/2026-11-22T19:00:00Z"
    assert decision_id("leak", "dma-07", there) == decision_id("leak", "dma-07", NOW)


def test_attributes_name_the_profile_and_the_schema_version():
    assert attributes("leak") == {"profile": "leak", "schema_version": "1"}


@pytest.mark.parametrize("value", ['"1.5"', "true", "[1]", '{"a": 1}'])
def test_only_a_number_is_a_value(value):
    data = b'{"device_id": "d", "readings": [{"timestamp": "2026-06-01T00:00:00Z", "values": {"flow": %s}}]}'
    with pytest.raises(MessageError, match="valid number"):
        parse_readings(data % value.encode())
    assert parse_readings(data % b"2").readings[0].values == {"flow": 2.0}
    assert parse_readings(data % b"null").readings[0].values == {"flow": None}


@pytest.mark.parametrize("time", ["1780272000", "1780272000000", '"1780272000"', '"2026-06-01"', "true", "null"])
def test_only_an_iso_time_with_its_zone_is_a_timestamp(time):
    data = b'{"device_id": "d", "readings": [{"timestamp": %s, "values": {"flow": 1}}]}'
    with pytest.raises(MessageError, match="timestamp"):
        parse_readings(data % time.encode())


def test_a_clock_that_was_never_set_is_refused():
    profile = tiny_profile()
    early = datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    batch = ReadingBatch(device_id="d", readings=[Reading(timestamp=early, values={})])
    with pytest.raises(MessageError, match="before 1970") as refused:
        check_against(batch, profile, datetime.now(UTC))
    assert refused.value.code == "invalid_timestamp"
