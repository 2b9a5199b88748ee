"""Numbers as a person would say them."""

from __future__ import annotations

import pytest

from aiot_anomaly.training import wording


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1 s"), (43.5, "43.5 s"), (900, "15 min"), (14_400, "4 h"), (604_800, "7 d")]
)
def test_a_duration_is_in_the_unit_that_a_person_would_use(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_as_in_a_sentence(names, text):
    assert wording.listed(names) == text
