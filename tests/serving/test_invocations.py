"""MLflow's scoring protocol: every form of a request, by MLflow's own client and by hand."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from serving.app import create_app
from serving.settings import Settings, SettingsError, from_environment
from tests.serving.process import Started, started
from tests.serving.refusal import refused
from tests.serving.test_detect import body
from tests.support.tiny_bundle import readings

URL = "/invocations"
TINY = {"profile": "tiny"}


@pytest.fixture(scope="module")
def process(models_dir):
    with started(models_dir, DEFAULT_PROFILE="tiny") as found:
        yield found


@pytest.fixture(scope="module")
def mlflow_client(process: Started) -> ScoringServerClient:
    client = ScoringServerClient("127.0.0.1", process.port)
    client.wait_server_ready()
    return client


@pytest.fixture(scope="module")
def table(tiny) -> pd.DataFrame:
    """An hour and a half of readings, the first ones too few for a decision, one missing."""
    at, values = readings(tiny.profile, 90)
    values[40, 0] = np.nan
    frame = pd.DataFrame(values, columns=["flow", "pressure"])
    frame.insert(0, "timestamp", pd.to_datetime(at, unit="s", utc=True))
    return frame


def detected(client, tiny, n: int = 90, **more: Any) -> dict[str, Any]:
    at, values = readings(tiny.profile, n)
    values[40:41, 0] = np.nan
    document = body(at, values, **more)
    for reading in document["readings"]:
        reading["values"] = {k: None if np.isnan(v) else v for k, v in reading["values"].items()}
    answer: dict[str, Any] = client.post("/v1/models/tiny:detect", content=orjson.dumps(document)).json()
    return answer


def test_mlflows_client_gets_the_version(mlflow_client):
    assert re.fullmatch(r"\d+(\.\d+)*", mlflow_client.get_version())


def test_mlflows_client_sends_a_table_of_readings_and_gets_a_row_for_each(mlflow_client, client, tiny, table):
    answer = mlflow_client.invoke(table.assign(device_id="device-1"))
    assert (answer["model"], answer["version"]) == ("tiny", "tiny-1")
    found = answer.get_predictions()
    assert len(found) == len(table)
    expected = {p["window_end"]: p for p in detected(client, tiny)["predictions"]}
    decided = found[found.score.notna()]
    assert set(decided.window_end) == set(expected)
    for _, row in decided.iterrows():
        assert row.score == pytest.approx(expected[row.window_end]["score"], rel=1e-5)
        assert row.calibration == "bundle"
        # the window that decides a reading ends with it, or with the next one
        assert 0 <= (pd.Timestamp(row.window_end) - table.timestamp[row.name]).total_seconds() <= 60
    assert set(found[:7].reason) == {"insufficient_history"}
    assert found.readings_needed[:7].tolist() == [8, 7, 6, 5, 4, 3, 2]


def test_mlflows_client_sends_a_table_with_times_as_index_and_without_zone_or_device(mlflow_client, table):
    plain = mlflow_client.invoke(table).get_predictions()
    indexed = mlflow_client.invoke(table.assign(timestamp=table.timestamp.dt.tz_localize(None)).set_index("timestamp"))
    pd.testing.assert_frame_equal(indexed.get_predictions(), plain)
    assert set(plain.calibration.dropna()) == {"fleet"}
    assert set(plain.device_id) == {"unknown"}


def test_mlflows_client_sends_instances_arrays_and_params(mlflow_client, client, instance):
    expected = client.post("/v1/models/tiny:predict", json={"instances": [instance] * 2}).json()["predictions"]
    assert mlflow_client.invoke([instance, instance])["predictions"] == expected
    of_other = mlflow_client.invoke([instance], params={"profile": "other"})
    assert of_other["version"] == "other-7"
    (moved,) = mlflow_client.invoke([instance], params={"sensitivity": 75})["predictions"]
    assert moved["score"] == pytest.approx(2 * expected[0]["score"], rel=1e-5)
    windows = np.array([instance["values"]] * 2)
    params = {"window_end": instance["window_end"], "device_id": "device-1"}
    assert mlflow_client.invoke(windows, params=params)["predictions"] == expected
    ends = {**params, "window_end": [instance["window_end"]] * 2}
    assert mlflow_client.invoke(windows, params=ends)["predictions"] == expected


def test_mlflows_client_is_told_what_is_wrong(mlflow_client, instance):
    with pytest.raises(Exception, match=r"422.*wrong_window_length"):
        mlflow_client.invoke([{**instance, "values": instance["values"][1:]}])


def test_rows_of_several_devices_are_told_apart(client, table):
    both = pd.concat([table.assign(device_id="device-1"), table.assign(device_id="new")]).sample(frac=1, random_state=1)
    frames = {
        name: orjson.loads(one.to_json(orient="records", date_format="iso"))
        for name, one in (("both", both), ("new", table.assign(device_id="new")))
    }
    answers = {
        name: client.post(URL, json={"dataframe_records": rows, "params": TINY}).json()["predictions"]
        for name, rows in frames.items()
    }
    assert [p["device_id"] for p in answers["both"]] == both.device_id.tolist()
    of_new = sorted((p for p in answers["both"] if p["device_id"] == "new"), key=lambda p: str(p["window_end"]))
    assert of_new == sorted(answers["new"], key=lambda p: str(p["window_end"]))
    assert {p.get("calibration") for p in answers["both"]} == {None, "bundle", "fleet"}


def test_a_csv_is_a_table(client, table):
    rows = orjson.loads(table.to_json(orient="records", date_format="iso"))
    expected = client.post(URL, json={"dataframe_records": rows, "params": TINY}).json()["predictions"]
    text = table.assign(timestamp=[r["timestamp"] for r in rows]).to_csv(index=False)
    found = client.post(URL, params=TINY, content=text, headers={"content-type": "text/csv; charset=utf-8"})
    assert found.status_code == 200, found.text
    for one, other in zip(found.json()["predictions"], expected, strict=True):
        assert one["window_end"] == other["window_end"]
        assert (one["score"] or 0) == pytest.approx(other["score"] or 0, rel=1e-4)


def test_columns_of_inputs_are_instances(client, instance):
    columns = {name: [instance[name]] * 3 for name in ("device_id", "window_end", "values")}
    expected = client.post("/v1/models/tiny:predict", json={"instances": [instance] * 3}).json()["predictions"]
    assert client.post(URL, json={"inputs": columns, "params": TINY}).json()["predictions"] == expected


def test_an_instance_may_have_readings(client, tiny, instance):
    at, values = readings(tiny.profile, 40)
    enough, few = body(at, values), body(at[:5], values[:5])
    expected = client.post("/v1/models/tiny:detect", content=orjson.dumps(enough)).json()["predictions"][-1]
    first, second, third = client.post(
        URL, content=orjson.dumps({"instances": [enough, instance, few], "params": TINY})
    ).json()["predictions"]
    assert first["score"] == pytest.approx(expected["score"], rel=1e-5)
    assert second["window_end"].startswith(instance["window_end"][:19])
    assert (third["reason"], third["readings_needed"], third["score"]) == ("insufficient_history", 4, None)


def test_the_profile_is_named_or_the_only_one_or_the_default(client, models_dir, tmp_path, instance):
    message = refused(client.post(URL, json={"instances": [instance]}), 422, "missing_profile")
    assert "params.profile; expected one of other, tiny" in message
    refused(client.post(URL, json={"instances": [instance], "params": {"profile": "pump"}}), 404, "unknown_model")
    refused(client.post(URL, json={"instances": [instance], "params": {"profile": 5}}), 422, "malformed_request")
    (tmp_path / "tiny").symlink_to(models_dir / "tiny")
    with TestClient(create_app(tmp_path)) as alone:
        assert alone.post(URL, json={"instances": [instance]}).json()["model"] == "tiny"
    with TestClient(create_app(models_dir, Settings(default_profile="other"))) as with_default:
        assert with_default.post(URL, json={"instances": [instance]}).json()["model"] == "other"
    with pytest.raises(SettingsError, match="DEFAULT_PROFILE='pump': expected one of other, tiny"):
        create_app(models_dir, from_environment({"DEFAULT_PROFILE": "pump"}))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "malformed_request"), ({"instances": [], "inputs": []}, "malformed_request"),
        ({"instances": []}, "malformed_request"), ({"instances": None}, "malformed_request"),
        ({"inputs": {"device_id": ["a"], "values": []}}, "malformed_request"), ({"inputs": 5}, "malformed_request"),
        ({"inputs": [[[1, 2, 3]] * 4]}, "invalid_window_end"), ({"surprise": 1}, "malformed_request"),
        ({"instances": [{"readings": 5}]}, "malformed_request"),
        ({"dataframe_split": []}, "malformed_request"), ({"dataframe_split": {"data": []}}, "malformed_request"),
        ({"dataframe_split": {"columns": ["timestamp"], "data": [[1, 2]]}}, "malformed_request"),
        ({"dataframe_split": {"columns": ["flow"], "data": [[1]]}}, "malformed_request"),
        ({"dataframe_split": {"columns": ["timestamp", "flwo"], "data": [["2026-01-01", 1]]}}, "unknown_sensor"),
        ({"dataframe_records": {}}, "malformed_request"), ({"dataframe_records": []}, "malformed_request"),
        ({"dataframe_records": [{"timestamp": "2026-01-01T00:00:00", "flwo": 1}]}, "unknown_sensor"),
        ({"dataframe_records": [{"timestamp": 5, "flow": 1}]}, "malformed_request"),
        ({"dataframe_records": [{"timestamp": "2026-01-01", "device_id": [], "flow": 1}]}, "malformed_request"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(client, document, code):
    response = client.post(URL, json={**document, "params": TINY})
    refused(response, 422, code)
    assert response.headers.get("x-model-version") in {None, "tiny-1"}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400), (b'{"inputs": [NaN', "application/json", 400),
        (b"[NaN]", "application/json", 422), (b'{"a": "NaN", "b": Infinity}', "application/json", 422),
        (b'{"inputs": "NaN' + b"[" * 100_000, "application/json", 413),
        (b'{"inputs": NaN, "b": ' + b"[" * 50_000, "application/json", 400),
        (b"PAR1", "application/vnd.apache.parquet", 415), (b"\xff\xfe", "text/csv", 422), (b"", "text/csv", 422),
        (b"timestamp,flow\n1,2,3\n", "text/csv", 422), (b'timestamp\n"', "text/csv", 422),
        (b"timestamp,flow,flow\n2026-03-01T00:00:00Z,2,3\n", "text/csv", 422),
    ],
)  # fmt: skip
def test_a_body_of_another_kind_is_refused(client, content, kind, status):
    response = client.post(URL, params=TINY, content=content, headers={"content-type": kind})
    assert response.status_code == status, response.text
    assert set(response.json()["error"]) == {"code", "message", "details"}


def test_10000_rows_are_answered_and_one_more_is_refused(client, tiny):
    at, values = readings(tiny.profile, 10_001)
    rows = [{"timestamp": r["timestamp"], **r["values"]} for r in body(at, values)["readings"]]
    found = client.post(URL, content=orjson.dumps({"dataframe_records": rows[:-1], "params": TINY}))
    assert len(found.json()["predictions"]) == 10_000
    response = client.post(URL, content=orjson.dumps({"dataframe_records": rows, "params": TINY}))
    refused(response, 422, "too_many_readings")
