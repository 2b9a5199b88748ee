"""`:predict`: answers, calibrations, out-of-range values and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from aiot_anomaly.calibration import Calibration, encode
from serving.answers import PredictResponse
from serving.calibration_cache import CalibrationCache
from serving.instances import Instances, Reader
from tests.serving.refusal import refused

URL = "/v1/models/tiny:predict"


def post(client, *instances: Any):
    return client.post(URL, content=orjson.dumps({"instances": list(instances)}))


def own_document(tiny, **changes: Any) -> dict[str, Any]:
    calibration = Calibration(**{**vars(tiny.bundle.fleet), **changes})
    return encode(tiny.profile, calibration).model_dump()


def test_golden_windows_get_their_golden_scores(client, tiny):
    golden = tiny.bundle.golden
    instances = [
        {"device_id": "unknown", "window_end": f"2026-01-01T00:{8 + 2 * i:02}:00Z", "values": values}
        for i, values in enumerate(golden.values)
    ]
    response = post(client, *instances)
    assert response.status_code == 200
    assert response.headers["x-model-version"] == "tiny-1"
    answer = response.json()
    assert (answer["model"], answer["version"]) == ("tiny", "tiny-1")
    predictions = answer["predictions"]
    np.testing.assert_allclose([p["score"] for p in predictions], golden.scores, rtol=1e-5)
    assert [p["window_end"] for p in predictions] == [i["window_end"] for i in instances]
    assert {p["calibration"] for p in predictions} == {"fleet"}
    for p in predictions:
        assert sum(c["share"] for c in p["contributions"]) == pytest.approx(1, abs=1e-5)
        assert set(p["expected"]) == {"flow", "pressure"}
        assert p["is_anomaly"] == (p["score"] > 1)


def test_each_model_answers_under_its_name(client, instance):
    response = client.post("/v1/models/other:predict", json={"instances": [instance]})
    assert response.json()["version"] == response.headers["x-model-version"] == "other-7"


def test_a_known_device_is_judged_by_its_own_calibration(client, instance):
    known = post(client, instance).json()["predictions"][0]
    unknown = post(client, {**instance, "device_id": "new"}).json()["predictions"][0]
    assert (known["calibration"], unknown["calibration"]) == ("bundle", "fleet")
    assert known["score"] != unknown["score"]


def test_a_calibration_that_came_along_is_used(client, tiny, instance):
    own = own_document(tiny, score_scale=tiny.bundle.fleet.score_scale * 4)
    alone, with_own = post(client, {**instance, "device_id": "new"}, {**instance, "calibration": own}).json()[
        "predictions"
    ]
    assert with_own["calibration"] == "device"
    assert with_own["score"] == pytest.approx(alone["score"] / 2, rel=1e-5)


def test_of_another_versions_calibration_the_level_is_used(client, tiny, instance):
    own = own_document(tiny, model_version="older", center=tiny.bundle.fleet.center + 5)
    answer = post(client, {**instance, "device_id": "new"}, {**instance, "device_id": "new", "calibration": own})
    plain, mixed = answer.json()["predictions"]
    assert mixed["calibration"] == "fleet"
    assert mixed["score"] != plain["score"]


def test_calibrations_are_decoded_once_and_forgotten_in_turn(tiny):
    first, *others = (orjson.dumps(own_document(tiny, windows=n)) for n in (50, 51, 52))
    cache = CalibrationCache(most_bytes=2 * len(first))
    found = cache.decode(tiny.profile, first)
    assert cache.decode(tiny.profile, bytes(bytearray(first))) is found
    for text in others:
        cache.decode(tiny.profile, text)
    assert len(cache) == 2
    assert cache.decode(tiny.profile, first) is not found


def test_values_out_of_range_are_named_and_replaced_causally(client, instance):
    held = [list(row) for row in instance["values"]]
    held[0][1] = held[1][1]
    held[3][0] = held[2][0]
    spoilt = [list(row) for row in instance["values"]]
    spoilt[0][1], spoilt[3][0] = -999, 1e9
    expected, found = post(client, {**instance, "values": held}, {**instance, "values": spoilt}).json()["predictions"]
    assert found["out_of_range"] == ["flow", "pressure"]
    assert found["score"] == pytest.approx(expected["score"], rel=1e-5)
    assert found["reason"] == "out_of_range"
    assert expected["reason"] == "normal"


def test_a_derived_value_beyond_its_sensors_width_names_the_sensor(client, instance):
    instance["values"][2][2] = -1e300
    assert post(client, instance).json()["predictions"][0]["out_of_range"] == ["flow"]


def test_a_sensor_without_a_valid_value_is_refused(client, instance):
    for row in instance["values"]:
        row[1] = 99
    message = refused(post(client, instance), 422, "no_valid_value")
    assert message == "instance 0: no row has a valid value of pressure in [-5, 15]"


def test_integers_and_offsets_are_welcome(client, instance):
    instance["values"] = [[50, 5, 0]] * 4
    instance["window_end"] = "2026-01-01T01:08:00.5+01:00"
    assert post(client, instance).json()["predictions"][0]["window_end"] == "2026-01-01T00:08:00Z"


def test_vertex_clients_may_send_empty_parameters(client, instance):
    for parameters in (None, {}):
        response = client.post(URL, json={"instances": [instance], "parameters": parameters})
        assert response.status_code == 200
    refused(client.post(URL, json={"instances": [instance], "parameters": {"a": 1}}), 422, "malformed_request")


def test_1024_instances_are_answered_and_one_more_is_refused(client, instance):
    response = post(client, *[instance] * 1024)
    assert len(response.json()["predictions"]) == 1024
    message = refused(post(client, *[instance] * 1025), 422, "too_many_instances")
    assert message.startswith("1025 instances, expected at most 1024")


def test_an_unknown_model_is_told_which_there_are(client, instance):
    response = client.post("/v1/models/pump:predict", json={"instances": [instance]})
    assert refused(response, 404, "unknown_model") == "no model 'pump'; this service has other, tiny"
    assert response.json()["error"]["details"] == {"models": ["other", "tiny"]}


def test_a_wrong_window_length_names_found_and_expected(client, instance):
    instance["values"].pop()
    message = refused(post(client, instance), 422, "wrong_window_length")
    assert message == "instance 0: 3 rows, expected 4 (window.steps of profile tiny)"


def test_a_wrong_sensor_count_names_row_and_inputs(client, instance):
    spoilt = {**instance, "values": [*instance["values"][:3], [1, 2]]}
    response = post(client, instance, spoilt)
    message = refused(response, 422, "wrong_sensor_count")
    assert message == "instance 1: row 3 has 2 values, expected 3: flow, pressure, flow_change"
    assert response.json()["error"]["details"]["expected"] == 3
    assert response.headers["x-model-version"] == "tiny-1"


def test_null_in_a_window_is_refused(client, instance):
    instance["values"][2][1] = None
    assert "row 2, pressure is null" in refused(post(client, instance), 422, "not_finite")


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_numbers_that_are_not_finite_are_refused(client, instance, token):
    instance["values"][1][0] = "TOKEN"
    body = orjson.dumps({"instances": [instance]}).replace(b'"TOKEN"', token.encode())
    refused(client.post(URL, content=body), 422, "not_finite")


@pytest.mark.parametrize("cell", ["1.5", True, [], {}, [1.0], "NaN"])
def test_what_is_no_number_is_refused(client, instance, cell):
    instance["values"][1][0] = cell
    assert "row 1, flow" in refused(post(client, instance), 422, "malformed_request")


@pytest.mark.parametrize(
    "end",
    [
        None, 5, 1e300, "", "yesterday", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "99999-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1767225600", ["2026-01-01T00:00:00Z"],
        "2026-01-01T00:00:00+99:00", "٢٠٢٦-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_window_end_that_is_no_time_is_refused(client, instance, end):
    instance["window_end"] = end
    assert refused(post(client, instance), 422, "invalid_window_end").startswith("instance 0: window_end: ")


@pytest.mark.parametrize(
    "change",
    [
        {"profile": "other"}, {"center": "!"}, {"center": ""}, {"scale": "AAAAAAAAAAA="}, {"windows": 0},
        {"windows": 1.5}, {"weights": 5}, {"unknown": 1}, {"band": "ä"}, {"model_version": None},
    ],
)  # fmt: skip
def test_a_calibration_that_does_not_fit_is_refused(client, tiny, instance, change):
    instance["calibration"] = {**own_document(tiny), **change}
    assert refused(post(client, instance), 422, "invalid_calibration").startswith("instance 0: ")


@pytest.mark.parametrize("extreme", [1e300, np.nan, np.inf, 1e-320, -1.0, 0.0])
@pytest.mark.parametrize("name", ["center", "scale", "weights", "score_scale", "band"])
def test_an_extreme_calibration_never_fails_the_service(client, tiny, instance, name, extreme):
    own = own_document(tiny, **{name: np.full_like(getattr(tiny.bundle.fleet, name), extreme)})
    response = post(client, instance, {**instance, "calibration": own})
    if response.status_code != 200:
        refused(response, 422, "invalid_calibration")


@pytest.mark.parametrize("calibration", ["x", [], 5, True, {}])
def test_what_is_no_calibration_is_refused(client, instance, calibration):
    refused(post(client, {**instance, "calibration": calibration}), 422, "invalid_calibration")


@pytest.mark.parametrize("device", ["", "a b", "a\n", "-a", "a" * 129, 5, None, {}, "ä"])
def test_a_device_id_outside_its_pattern_is_refused(client, instance, device):
    refused(post(client, {**instance, "device_id": device}), 422, "malformed_request")


@pytest.mark.parametrize("values", [None, 5, "abcd", {}, [], [1, 2, 3, 4], ["abc"] * 4, [None] * 4])
def test_values_of_another_form_are_refused(client, instance, values):
    response = post(client, {**instance, "values": values})
    assert response.status_code == 422
    assert response.json()["error"]["code"] in {"malformed_request", "wrong_window_length"}


@pytest.mark.parametrize(
    "instances", [None, 5, {}, "x", [], [None], [[]], [{}], [{"window_end": "2026-01-01T00:00:00Z"}]]
)
def test_instances_of_another_form_are_refused(client, instances):
    refused(client.post(URL, json={"instances": instances}), 422, "malformed_request")


def test_an_unknown_field_is_refused(client, instance):
    assert "valeus" in refused(post(client, {**instance, "valeus": 1}), 422, "malformed_request")


def variants(instance: dict[str, Any], tiny) -> list[dict[str, Any]]:
    """Instances without a fault, in every form that they may have."""
    return [
        instance,
        {**instance, "calibration": None},
        {**instance, "calibration": own_document(tiny)},
        {**instance, "device_id": "new", "calibration": own_document(tiny, model_version="older")},
        {**instance, "window_end": "2026-01-01T01:08:00.999999+01:00"},
        {**instance, "window_end": "1970-01-01T00:00:00Z"},
        {**instance, "values": [[50, 5, 0]] * 4},
        {**instance, "values": [instance["values"][0], *[[1e-300, -0.0, 12345678901234567890]] * 3]},
        {**instance, "values": [[-999.0, *row[1:]] if i == 2 else row for i, row in enumerate(instance["values"])]},
    ]


def test_the_quick_way_and_the_thorough_way_read_the_same(tiny, instance, monkeypatch):
    given = variants(instance, tiny)
    body = orjson.dumps({"instances": given})

    def read() -> list[Instances]:
        return list(Reader(tiny, CalibrationCache()).parts(body))

    (quick,) = read()
    monkeypatch.setattr(Reader, "_usual", lambda *_: None)
    (thorough,) = read()
    assert len(quick) == len(given)
    assert (quick.device_ids, quick.sources, quick.own) == (thorough.device_ids, thorough.sources, thorough.own)
    for name, expected in vars(thorough.windows).items():
        np.testing.assert_array_equal(getattr(quick.windows, name), expected, err_msg=name)
    for one, other in zip(quick.calibrations, thorough.calibrations, strict=True):
        for name, expected in vars(other).items():
            np.testing.assert_array_equal(getattr(one, name), expected, err_msg=name)


def test_what_has_no_fault_is_never_read_the_thorough_way(tiny, instance, monkeypatch):
    def slow(*_: object) -> None:
        raise AssertionError("it went the slow way")

    monkeypatch.setattr(Reader, "_any", slow)
    body = orjson.dumps({"instances": variants(instance, tiny)})
    assert sum(len(p) for p in Reader(tiny, CalibrationCache()).parts(body)) == len(variants(instance, tiny))


def test_the_answer_is_what_the_description_says(client, tiny, instance):
    """Answers are encoded without the model that describes them; both say the same, field by field."""
    response = post(client, *variants(instance, tiny))
    described = PredictResponse.model_validate_json(response.content)
    assert orjson.loads(response.content) == described.model_dump(mode="json", exclude_unset=True)


def test_many_instances_are_answered_in_their_order(client, instance):
    many = [{**instance, "device_id": f"d-{i}"} for i in range(1024)]
    predictions = post(client, *many).json()["predictions"]
    assert [p["device_id"] for p in predictions] == [i["device_id"] for i in many]
    refused(post(client, *many, instance), 422, "too_many_instances")


def test_a_fault_of_a_late_instance_is_named_by_its_number(client, instance):
    many = [instance] * 200
    assert refused(post(client, *many, {**instance, "values": [1]}), 422, "wrong_window_length").startswith(
        "instance 200: "
    )
