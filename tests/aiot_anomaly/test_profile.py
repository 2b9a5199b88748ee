"""The profile: what contradicts itself is refused, and what follows from it."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from aiot_anomaly.profile import Profile
from tests.aiot_anomaly.kinds import document, meter, profile, variant
from tests.support.tiny_bundle import tiny_profile


def sensor(**changes):
    return {**document()["sensors"][0], **changes}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"sensors": [sensor(), sensor()]}, "input names used twice: flow"),
        ({"derived": [{"kind": "change", "name": "d", "sensor": "heat", "span": 1}]}, "d is of unknown sensor heat"),
        ({"sensors": [sensor(score_level=False)], "derived": []}, "sensors without a scored input: ['flow']"),
        ({"scoring": {"last_steps": 5}}, "scoring.last_steps is 5, the window has 4"),
        ({"interval_s": 7, "season": {"kind": "hour_of_week"}}, "an hour must be a multiple"),
        ({"window": {"steps": 4, "stride": 2, "phase": 2}}, "window.phase is 2; expected less than the stride, 2"),
        (
            {"derived": [{"kind": "log", "name": "l", "sensor": "flow", "quantity": "steps", "offset": 1}]},
            "l is of the steps between 1 values; expected a span of at least 2",
        ),
        ({"sensors": [sensor(valid_range=[5, 5])]}, "valid_range of flow is [5.0, 5.0]"),
        ({"sensors": [sensor(valid_range=[0, float("inf")])]}, "finite number"),
        ({"sensors": [sensor(smallest_deviation=0)]}, "greater than 0"),
        ({"sensors": [sensor(smallest_deviation=float("inf"))]}, "finite number"),
        ({"scoring": {"last_steps": 1, "ridge": float("inf")}}, "finite number"),
        ({"incidents": {"k": 3, "n": 2, "quiet": 1}}, "incidents open after 3 of 2 decisions"),
        ({"sensors": []}, "at least 1 item"),
        ({"sensors": [sensor(name="a b")]}, "should match pattern"),
        ({"interval_s": "60"}, "valid integer"),
        ({"interval_s": 60.5}, "valid integer"),
        ({"threshold": {"quantile": 1.0}}, "less than 1"),
        ({"sampling": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_contradiction_is_refused_and_named(changes, fault):
    with pytest.raises(ValidationError) as refused:
        Profile.model_validate_json(json.dumps(document(**changes)))
    assert fault in str(refused.value)


def test_a_profile_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        tiny_profile().interval_s = 1
    with pytest.raises(ValidationError, match="frozen"):
        tiny_profile().window.steps = 1


def test_json_gives_back_the_same_profile():
    for one in (tiny_profile(), variant("whitened", "hour_of_week"), meter()):
        assert Profile.model_validate_json(one.model_dump_json()) == one


def test_inputs_are_the_sensors_and_then_what_is_derived_from_them():
    tiny = tiny_profile()
    assert tiny.sensor_names == ("flow", "pressure")
    assert tiny.input_names == ("flow", "pressure", "flow_change")
    assert tiny.input_sensor == (0, 1, 0)
    assert tiny.scored_inputs == (0, 1, 2)


def test_a_sensor_whose_level_drifts_is_scored_by_its_change_alone():
    drifting = profile(sensors=[sensor(score_level=False), document()["sensors"][1]])
    assert drifting.scored_inputs == (1, 2)


def test_a_season_needs_windows_that_end_in_every_hour_of_their_rows():
    assert meter().season.slots == 48, "each row of a window was itself the last of one"
    with pytest.raises(ValidationError, match="or step of stride"):
        profile(interval_s=3600, season={"kind": "hour_of_week"}, window={"steps": 4, "step": 12, "stride": 24})


def test_history_counts_steps_aggregation_memory_and_gap():
    # rows at 0, 1, 2, 3; each the mean of 2; a change over 3; gaps of 2
    assert tiny_profile().memory == 3
    assert tiny_profile().span == 3 * 1 + 2 + 3
    assert tiny_profile().history == 8 + 2
    assert profile(derived=[]).memory == 0


def test_an_hour_of_the_week_has_48_slots():
    assert variant(season="hour_of_week").season.slots == 48
    assert variant(season="none").season.slots == 1
