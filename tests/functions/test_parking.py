"""Every kind of poison is parked with its reason and its bytes, acknowledged, and counted once."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.contract_api import ContractApi
from tests.functions.rig import PUBLISHED, Rig, batch, push_body
from tests.support.tiny_bundle import START, tiny_profile

PROFILE = tiny_profile()
GOOD = batch(PROFILE, "d-1", [START], (50, 5))
AHEAD = int((PUBLISHED + timedelta(minutes=20)).timestamp())
TINY = {"profile": "tiny", "schema_version": "1"}


@pytest.mark.parametrize(
    ("data", "attributes", "code", "reason"),
    [
        (b'{"device_id": "d-1", "readings": [', TINY, "malformed_message", "JSON"),
        (b"\xff\xfe not text", TINY, "malformed_message", "JSON"),
        (b"", TINY, "malformed_message", "JSON"),
        (b'{"device_id": "d-1", "readings": []}', TINY, "malformed_message", "readings"),
        (GOOD, {"schema_version": "1"}, "missing_profile", "profile"),
        (GOOD, {}, "missing_profile", "profile"),
        (GOOD, {**TINY, "profile": "nobody"}, "unknown_profile", "nobody"),
        (GOOD, {**TINY, "profile": "../../admin?x="}, "unknown_profile", "admin"),
        (GOOD, {**TINY, "schema_version": "2"}, "unknown_schema_version", "'2'"),
        (GOOD.replace(b"flow", b"flaw"), TINY, "unknown_sensor", "flaw"),
        (batch(PROFILE, "d-1", [AHEAD], (50, 5)), TINY, "future_timestamp", "future"),
        (batch(PROFILE, "d-1", [-7200], (50, 5)), TINY, "invalid_timestamp", "clock is not set"),
    ],
)
def test_poison_is_parked_with_its_reason_and_its_bytes(
    rig: Rig, data: bytes, attributes: dict[str, str], code: str, reason: str
) -> None:
    assert rig.deliver(data, message_id="m-1", attributes={**attributes, "sent_at": "1.5"}) == 204
    (parked,) = rig.parked()
    assert parked.data == data
    assert parked.attributes["code"] == code
    assert reason in parked.attributes["reason"]
    assert parked.attributes["message_id"] == "m-1"
    assert {k: parked.attributes[k] for k in attributes} == attributes
    assert parked.attributes["sent_at"] == "1.5"
    assert rig.published() == []
    assert rig.store.totals().parked == {code: 1}
    assert rig.store.totals().devices == 0


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        (b"not json", {}),
        (b"", {}),
        (b"[]", {}),
        (b'{"message": {"data": "e30="}}', {}),
        (push_body(GOOD, "m-1", TINY).replace(base64.b64encode(GOOD), b"%%%"), TINY),
        (json.dumps({"message": {"data": "e30=", "messageId": "m-1", "attributes": {"a": 1}}}).encode(), {}),
    ],
)
def test_a_push_request_that_cannot_be_read_is_parked_as_it_came(
    rig: Rig, body: bytes, attributes: dict[str, str]
) -> None:
    for _ in range(2):
        assert rig.handler().handle(body) == 204
    parked = rig.parked()
    assert {p.data for p in parked} == {body}
    assert {p.attributes["code"] for p in parked} == {"malformed_envelope"}
    assert all(p.attributes[k] == v for p in parked for k, v in attributes.items())
    assert rig.store.totals().parked == {"malformed_envelope": 1}


def test_a_redelivered_poison_message_counts_once(rig: Rig) -> None:
    for _ in range(3):
        assert rig.deliver(b"poison", message_id="m-1") == 204
    assert rig.store.totals().parked == {"malformed_message": 1}


def test_a_long_reason_and_many_attributes_stay_within_the_limits_of_pubsub(rig: Rig) -> None:
    attributes = {**TINY, **{f"a{i}": "é" * 500 for i in range(98)}}
    data = json.dumps(
        {"device_id": "d", "readings": [{"timestamp": "2026-01-01T00:00:00Z", "values": {"é" * 5000: 1}}]}
    ).encode()
    assert rig.deliver(data, attributes=attributes) == 204
    (parked,) = rig.parked()
    assert len(parked.attributes) == 100
    assert max(len(v.encode()) for v in parked.attributes.values()) <= 1024


def test_poison_does_not_hold_up_what_comes_after_it(rig: Rig) -> None:
    assert rig.deliver(b"poison") == 204
    assert rig.send("d-1", [START + 60 * i for i in range(13)], (50, 5)) == 204
    assert len(rig.decisions()) == 3


def test_a_clock_that_is_ahead_is_ahead_however_late_its_message_is_delivered(rig: Rig, contract: ContractApi) -> None:
    published = datetime.now(UTC) - timedelta(hours=1)
    # ahead of when it was published, and past by now
    body = batch(PROFILE, "d-1", [int((published + timedelta(minutes=20)).timestamp())], (50, 5))
    contract.faults = [503] * 4
    assert rig.deliver(body, message_id="m-1", published=published) == 503
    assert rig.deliver(body, message_id="m-1", published=published) == 204
    (parked,) = rig.parked()
    assert parked.attributes["code"] == "future_timestamp"
    # published later, as after a redrive, it is another message
    assert rig.deliver(body, message_id="m-2", published=published + timedelta(minutes=20)) == 204
    assert rig.parked() == []


def test_an_api_that_is_not_there_parks_nothing(rig: Rig, contract: ContractApi) -> None:
    contract.faults = [404]
    assert rig.deliver(GOOD) == 500
    assert rig.parked() == []
    assert rig.deliver(GOOD) == 204
