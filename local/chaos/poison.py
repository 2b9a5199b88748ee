"""Messages that no retry can mend, of every kind, each with the code that it must be parked under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiot_anomaly.messages import attributes


class Poison(NamedTuple):
    """A message that must be parked.

    Attributes:
        data: its body; no two are alike.
        attributes: its attributes.
        code: of the reason.
    """

    data: bytes
    attributes: Mapping[str, str]
    code: str


def poison(number: int, device: str, profile: str) -> Poison:
    """Poison number `number` from 0; the kinds take turns."""
    usual = attributes(profile)
    good = _body(device, "2020-01-01T00:00:00Z", f'"no_such_sensor_{number}": null')
    kinds = (
        Poison(b"not json at all: \xff\xfe %d" % number, usual, "malformed_message"),
        Poison(
            f'{{"device_id": "{device}", "readings": [{{"timestamp": "{number}-'.encode(), usual, "malformed_message"
        ),
        Poison(f'{{"device_id": "{device}", "readings": [], "n": {number}}}'.encode(), usual, "malformed_message"),
        Poison(_body(device, "yesterday", f'"n": {number}'), usual, "malformed_message"),
        Poison(good, usual, "unknown_sensor"),
        Poison(
            _body(device, f"1969-12-31T23:{number % 60:02}:{number // 60 % 60:02}Z", ""), usual, "invalid_timestamp"
        ),
        Poison(_body(device, f"2190-01-01T00:{number % 60:02}:{number // 60 % 60:02}Z", ""), usual, "future_timestamp"),
        Poison(good, attributes(f"{profile}_of_nobody"), "unknown_profile"),
        Poison(good, {"schema_version": usual["schema_version"]}, "missing_profile"),
        Poison(good, {**usual, "schema_version": "99"}, "unknown_schema_version"),
    )
    return kinds[number % len(kinds)]


def _body(device: str, timestamp: str, values: str) -> bytes:
    reading = f'{{"timestamp": "{timestamp}", "values": {{{values}}}}}'
    return f'{{"device_id": "{device}", "readings": [{reading}]}}'.encode()
