"""Incidents: opened by k of n, closed by quiet, and one at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.profile import Incidents

RULES = Incidents(k=2, n=3, quiet=2)


def follow(rules: Incidents, alarms, scores=None):
    """The incident of each decision, one a minute."""
    tracker, incidents = IncidentTracker(), []
    for i, alarm in enumerate(alarms):
        score = scores[i] if scores else (2.0 if alarm else 0.5)
        tracker, incident = tracker.advance(rules, "dma-07", 60 * i, bool(alarm), score)
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
    assert opened.id == "dma-07/1970-01-01T00:01:00Z"
    assert (opened.peak_score, ongoing.peak_score, closed.peak_score) == (3.0, 9.0, 9.0)
    assert {i.id for i in (opened, ongoing, closed)} == {opened.id}
    assert {i.opened_at for i in (opened, ongoing, closed)} == {opened.opened_at}


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
