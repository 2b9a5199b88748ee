"""The views' SQL, on messages as the system sends them: BigQuery's dialect, translated and run by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from aiot_anomaly.messages import (
    Contribution,
    Decision,
    Expected,
    Incident,
    Reading,
    ReadingBatch,
    attributes,
    decision_id,
)

VIEWS = Path(__file__).parents[2] / "terraform" / "views"
MEASURED = ("contributions", "measured", "expected", "out_of_range", "filled")
START = datetime(2026, 11, 22, 19, tzinfo=UTC)
TABLE = "project.aiot.messages"


def translated(name: str) -> str:
    """The view's SQL in DuckDB's dialect, as Terraform's templatefile would render it."""
    sql = (VIEWS / f"{name}.sql").read_text().replace("${table}", TABLE)
    assert "${" not in sql
    query = sqlglot.parse_one(sql, read="bigquery")

    def lenient(node: exp.Expression) -> exp.Expression:
        # both give NULL in BigQuery for what is no JSON, or no array, and an error as sqlglot translates them
        if isinstance(node, exp.SafeFunc) and isinstance(node.this, exp.ParseJSON):
            return exp.TryCast(this=node.this.this, to=exp.DataType.build("JSON"))
        if isinstance(node, exp.JSONExtractArray):
            array = exp.JSONExtract(this=node.this, expression=node.expression)
            return exp.TryCast(this=array, to=exp.DataType.build("JSON[]", dialect="duckdb"))
        return node

    changed = query.transform(lenient)
    assert not list(changed.find_all(exp.ParseJSON)), "PARSE_JSON without SAFE fails on the first malformed message"
    return changed.sql(dialect="duckdb")


class Table:
    """The table that a BigQuery subscription writes, and a view of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._written = 0
        connection.execute("ATTACH ':memory:' AS project")
        connection.execute("CREATE SCHEMA project.aiot")
        connection.execute(
            f"CREATE TABLE {TABLE} (subscription_name VARCHAR, message_id VARCHAR, publish_time TIMESTAMPTZ, "
            "attributes JSON, data VARCHAR)"
        )

    def write(
        self, data: bytes | str, *, at: datetime, message_id: str | None = None, profile: str | None = "leak"
    ) -> None:
        self._written += 1
        text = data.decode() if isinstance(data, bytes) else data
        sent = dict(attributes(profile)) if profile else {}
        self._connection.execute(
            f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?)",
            ["subscription", message_id or str(self._written), at, json.dumps(sent), text],
        )

    def rows(self, view: str) -> list[dict[str, Any]]:
        found = self._connection.execute(translated(view))
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture
def table() -> Iterator[Table]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield Table(connection)


def decision(device: str = "dma-07", hour: int = 0, **changes: object) -> Decision:
    window_end = START + timedelta(hours=hour)
    fields: dict[str, object] = {
        "id": decision_id("leak", device, window_end),
        "profile": "leak",
        "model_version": "leak-1",
        "device_id": device,
        "window_end": window_end,
        "is_anomaly": True,
        "score": 1.25,
        "severity": 0.5,
        "reason": "anomaly",
        "calibration": "device",
        "contributions": [
            Contribution(sensor="inflow_lps", share=0.75),
            Contribution(sensor="pressure_1_m", share=0.25),
        ],
        "expected": {"inflow_lps": Expected(value=10.0, lower=9.0, upper=11.0)},
        "filled": {"inflow_lps": 0.25},
        "values": {"inflow_lps": 12.31, "pressure_1_m": None},
        "incident": Incident(id="i-1", state="opened", opened_at=window_end, peak_score=1.25),
        "decided_at": window_end + timedelta(seconds=2),
    }
    return Decision.model_validate(fields | changes)


def sent(of: Decision) -> bytes:
    return of.model_dump_json().encode()


def batch(*hours: int, device: str = "dma-07", inflow: float = 12.31) -> bytes:
    readings = [
        Reading(timestamp=START + timedelta(hours=h), values={"inflow_lps": inflow + h, "pressure_1_m": None})
        for h in hours
    ]
    return ReadingBatch(device_id=device, readings=readings).encode()


def test_a_decision_is_shown_field_by_field(table: Table) -> None:
    table.write(sent(decision()), at=START)
    (row,) = table.rows("decisions")
    measured = {name: row.pop(name) for name in MEASURED}
    assert row == {
        "id": "leak/dma-07/2026-11-22T19:00:00Z",
        "profile": "leak",
        "device_id": "dma-07",
        "window_end": START,
        "is_anomaly": True,
        "score": 1.25,
        "severity": 0.5,
        "reason": "anomaly",
        "incident_id": "i-1",
        "incident_state": "opened",
        "incident_opened_at": START,
        "incident_peak_score": 1.25,
        "calibration": "device",
        "model_version": "leak-1",
        "decided_at": START + timedelta(seconds=2),
        "publish_time": START,
        "message_id": "1",
    }
    assert {name: json.loads(value) for name, value in measured.items()} == {
        "contributions": [{"sensor": "inflow_lps", "share": 0.75}, {"sensor": "pressure_1_m", "share": 0.25}],
        "measured": {"inflow_lps": 12.31, "pressure_1_m": None},
        "expected": {"inflow_lps": {"value": 10.0, "lower": 9.0, "upper": 11.0}},
        "out_of_range": [],
        "filled": {"inflow_lps": 0.25},
    }


def test_every_field_of_a_decision_is_in_the_view(table: Table) -> None:
    table.write(sent(decision()), at=START)
    (row,) = table.rows("decisions")
    incident = {f"incident_{name}" for name in Incident.model_fields}
    # `values` would have to be quoted in every query
    fields = (Decision.model_fields.keys() - {"incident", "values"}) | incident | {"measured"}
    assert row.keys() == fields | {"publish_time", "message_id"}


def test_of_doubled_decisions_the_first_published_stays(table: Table) -> None:
    again = decision(model_version="leak-2", score=1.5)
    table.write(sent(again), at=START + timedelta(minutes=5))
    table.write(sent(decision()), at=START, message_id="first")
    table.write(sent(decision()), at=START, message_id="first")
    (row,) = table.rows("decisions")
    assert (row["message_id"], row["model_version"], row["score"]) == ("first", "leak-1", 1.25)


def test_different_decisions_all_stay(table: Table) -> None:
    for device, hour in [("dma-07", 0), ("dma-07", 1), ("dma-08", 0)]:
        table.write(sent(decision(device, hour)), at=START)
    assert {row["id"] for row in table.rows("decisions")} == {
        "leak/dma-07/2026-11-22T19:00:00Z",
        "leak/dma-07/2026-11-22T20:00:00Z",
        "leak/dma-08/2026-11-22T19:00:00Z",
    }


def test_a_decision_without_an_incident_is_shown(table: Table) -> None:
    table.write(sent(decision(incident=None, is_anomaly=False, reason="normal", score=0.5)), at=START)
    (row,) = table.rows("decisions")
    assert (row["is_anomaly"], row["incident_id"], row["incident_opened_at"]) == (False, None, None)


def test_a_batch_is_one_row_a_reading(table: Table) -> None:
    table.write(batch(0, 1), at=START, message_id="m")
    rows = sorted(table.rows("readings"), key=lambda row: row["measured_at"])
    values = [json.loads(row.pop("measured")) for row in rows]
    assert rows == [
        {
            "profile": "leak",
            "device_id": "dma-07",
            "measured_at": START + timedelta(hours=h),
            "publish_time": START,
            "message_id": "m",
        }
        for h in (0, 1)
    ]
    assert values == [{"inflow_lps": 12.31 + h, "pressure_1_m": None} for h in (0, 1)]


def test_of_a_doubled_reading_the_first_published_stays(table: Table) -> None:
    table.write(batch(1, 2, inflow=99.0), at=START + timedelta(hours=3))
    table.write(batch(0, 1), at=START + timedelta(hours=2))
    found = {row["measured_at"]: json.loads(row["measured"])["inflow_lps"] for row in table.rows("readings")}
    assert found == {
        START: 12.31,
        START + timedelta(hours=1): 13.31,
        START + timedelta(hours=2): 101.0,
    }


def test_the_same_time_of_another_device_or_profile_is_another_reading(table: Table) -> None:
    table.write(batch(0), at=START)
    table.write(batch(0, device="dma-08"), at=START)
    table.write(batch(0), at=START, profile="skab")
    assert sorted((row["profile"], row["device_id"]) for row in table.rows("readings")) == [
        ("leak", "dma-07"),
        ("leak", "dma-08"),
        ("skab", "dma-07"),
    ]


SPOILT: Mapping[str, Callable[[bytes], str]] = {
    "no JSON": lambda data: data.decode()[:-10],
    "nothing": lambda data: "",
    "a number": lambda data: "42",
    "a list": lambda data: "[1, 2]",
    "null": lambda data: "null",
    "another object": lambda data: '{"hello": "world"}',
    "fields of other types": lambda data: '{"id": {}, "device_id": [], "readings": {"a": 1}}',
    "readings that are none": lambda data: '{"device_id": "dma-07", "readings": [null, 1, "a", [], {}]}',
    "no time": lambda data: '{"device_id": "dma-07", "readings": [{"timestamp": "yesterday", "values": {}}]}',
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("view", ["readings", "decisions"])
def test_a_malformed_message_is_left_out_and_spoils_no_other(
    table: Table, view: str, spoilt: Callable[[bytes], str]
) -> None:
    good = {"readings": batch(0), "decisions": sent(decision())}[view]
    table.write(spoilt(good), at=START)
    table.write(good, at=START + timedelta(seconds=1))
    assert [row["message_id"] for row in table.rows(view)] == ["2"]


def test_a_message_without_attributes_is_shown_without_a_profile(table: Table) -> None:
    table.write(batch(0), at=START, profile=None)
    assert [row["profile"] for row in table.rows("readings")] == [None]
