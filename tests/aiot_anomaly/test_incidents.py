"""Incidents: opened by k of n, closed by quiet, and one at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.incidents import IncidentTracker, silent
from aiot_anomaly.profile import Incidents

RULES = Incidents(k=2, n=3, quiet=2)


def follow(rules: Incidents, alarms, scores=None):
    """The incident of each decision, one a minute."""
    tracker, incidents = IncidentTracker(), []
    for i, alarm in enumerate(alarms):
        score = scores[i] if scores else (2.0 if alarm else 0.5)
        tracker, incident = tracker.advance(rules, "leak", "dma-07", 60 * i, bool(alarm), score)
        incidents.append(incident)
    return incidents


def states(rules: Incidents, alarms) -> list[str | None]:
    return [i.state if i else None for i in follow(rules, alarms)]


def test_one_alarm_is_no_incident():
    assert states(RULES, [0, 1, 0, 0, 1, 0, 0]) == [None] * 7


def test_k_of_the_last_n_alarms_open_one():
    assert states(RULES, [1, 0, 1]) == [None, None, "opened"]
    assert states(RULES, [1, 0, 0, 1]) == [None] * 4


def test_it_goes_on_until_it_has_been_quiet():
    assert states(RULES, [1, 1, 0, 1, 0, 0, 0]) == [None, "opened", "ongoing", "ongoing", "ongoing", "closed", None]


def test_after_it_closed_old_alarms_do_not_open_another():
    rules = Incidents(k=2, n=10, quiet=1)
    assert states(rules, [1, 1, 0, 1, 0, 1]) == [None, "opened", "closed", None, None, "opened"]


def test_it_keeps_its_name_and_its_beginning_and_the_highest_score():
    opened, ongoing, closed = follow(RULES, [1, 1, 1, 0, 0], [2.0, 3.0, 9.0, 0.1, 0.2])[1:4]
    assert opened.id == "leak/dma-07/1970-01-01T00:01:00Z"
    assert (opened.peak_score, ongoing.peak_score, closed.peak_score) == (3.0, 9.0, 9.0)
    assert {i.id for i in (opened, ongoing, closed)} == {opened.id}
    assert {i.opened_at for i in (opened, ongoing, closed)} == {opened.opened_at}


def test_two_profiles_that_judge_one_device_at_the_same_time_open_two_incidents():
    rules = Incidents(k=1, n=1, quiet=1)
    _, leak = IncidentTracker().advance(rules, "leak", "dma-07", 60, True, 2.0)
    _, fraud = IncidentTracker().advance(rules, "fraud", "dma-07", 60, True, 2.0)
    assert (leak.id, fraud.id) == ("leak/dma-07/1970-01-01T00:01:00Z", "fraud/dma-07/1970-01-01T00:01:00Z")
    assert silent("leak", "dma-07", 60, "opened").id != silent("fraud", "dma-07", 60, "opened").id


def told(alarms, days, most: int):
    """Whether each decision's incident is suppressed, None where there is none; the decisions are on these days."""
    tracker, found = IncidentTracker(), []
    for alarm, day in zip(alarms, days, strict=True):
        rules = Incidents(k=1, n=1, quiet=1)
        tracker, incident = tracker.advance(
            rules, "leak", "d", 86_400 * day + len(found), bool(alarm), 2.0 * alarm, most_a_day=most
        )
        found.append(incident and (incident.state, incident.suppressed))
    return found


def test_beyond_the_budget_of_a_day_incidents_are_recorded_and_suppressed():
    found = told([1, 0, 1, 0, 1, 0, 1, 0], [7] * 6 + [8] * 2, most=2)
    open_, shut = ("opened", False), ("closed", False)
    assert found == [open_, shut, open_, shut, ("opened", True), ("closed", True), open_, shut]


def test_a_suppressed_incident_that_is_still_there_on_the_next_day_is_told_of():
    found = told([1, 0, 1, 1, 1, 1, 0], [7, 7, 7, 7, 8, 8, 8], most=1)
    assert [f[1] for f in found] == [False, False, True, True, False, False, False]
    assert [f[0] for f in found[2:]] == ["opened", "ongoing", "ongoing", "ongoing", "closed"]


def test_in_maintenance_none_opens_and_alarms_of_it_do_not_count_afterwards():
    tracker, found = IncidentTracker(), []
    for i, may_open in enumerate([False, False, False, True, True]):
        tracker, incident = tracker.advance(RULES, "leak", "d", 60 * i, True, 2.0, may_open=may_open)
        found.append(incident and incident.state)
    assert found == [None, None, None, None, "opened"]


def test_in_maintenance_an_open_incident_goes_on_and_closes():
    tracker, found = IncidentTracker(), []
    for i, (alarm, may_open) in enumerate([(1, True), (1, True), (1, False), (0, False), (0, False), (0, False)]):
        tracker, incident = tracker.advance(RULES, "leak", "d", 60 * i, bool(alarm), 2.0, may_open=may_open)
        found.append(incident and incident.state)
    assert found == [None, "opened", "ongoing", "ongoing", "closed", None]


def test_the_sensors_are_those_of_the_highest_score():
    tracker = IncidentTracker()
    for i, (score, sensor) in enumerate([(2.0, "a"), (3.0, "b"), (9.0, "c"), (4.0, "d")]):
        tracker, incident = tracker.advance(RULES, "leak", "d", 60 * i, True, score, sensors=[sensor])
    assert incident is not None
    assert (incident.peak_score, incident.sensors) == (9.0, ["c"])


rules = st.builds(
    lambda n, k, quiet: Incidents(k=min(k, n), n=n, quiet=quiet),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 4),
)


@given(rules, st.lists(st.booleans(), max_size=60))
def test_every_incident_opens_once_on_an_alarm_and_closes_on_a_normal_decision(of, alarms):
    opened = None
    for alarm, incident in zip(alarms, follow(of, alarms), strict=True):
        if opened is None:
            assert incident is None or incident.state == "opened"
            opened = incident
            assert opened is None or alarm
        else:
            assert incident.id == opened.id
            assert incident.state in {"ongoing", "closed"}
            if incident.state == "closed":
                assert not alarm
                opened = None


@given(rules, st.lists(st.booleans(), min_size=5, max_size=60))
def test_it_opens_exactly_when_k_of_the_last_n_are_alarms(of, alarms):
    first = next((i for i in range(len(alarms)) if sum(alarms[max(0, i + 1 - of.n) : i + 1]) >= of.k), None)
    found = states(of, alarms)
    assert found[: len(alarms) if first is None else first] == [None] * (len(alarms) if first is None else first)
    assert first is None or found[first] == "opened"
