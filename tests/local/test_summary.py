from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.messages import Contribution, Decision, Expected, Incident
from local import summary

START = datetime(2026, 6, 1, tzinfo=UTC)


def decision(hour: int, *, incident: str | None = None, score: float = 0.5, device: str = "dma-01") -> Decision:
    end = START + timedelta(hours=hour)
    opened = START + timedelta(hours=int(incident)) if incident else None
    state = None if opened is None else "opened" if opened == end else "ongoing"
    return Decision(
        id=f"leak/{device}/{end:%H}",
        profile="leak",
        model_version="v",
        device_id=device,
        window_end=end,
        is_anomaly=score > 1,
        score=score,
        severity=0.5,
        reason="anomaly" if score > 1 else "normal",
        calibration="bundle",
        contributions=[Contribution(sensor="inflow_lps", share=1.0)],
        expected={"inflow_lps": Expected(value=1, lower=0, upper=2)},
        values={"inflow_lps": 1.0},
        decided_at=end,
        incident=None
        if opened is None
        else Incident(id=f"i{incident}", state=state, opened_at=opened, peak_score=score),
    )


def truth(first: int, last: int) -> Truth:
    at = int(START.timestamp())
    return Truth("dma-01", "leak", at + first * 3600, at + last * 3600, 0.1)


def test_an_incident_during_an_event_finds_it_after_the_delay() -> None:
    decisions = [decision(h, incident="8" if 8 <= h < 12 else None, score=2.0 if h == 9 else 0.5) for h in range(20)]
    found = summary.device_summary("dma-01", reversed(decisions), [truth(5, 15)])
    assert found.delays_s == (3 * 3600.0,)
    assert found.false_alarms == 0
    (incident,) = found.incidents
    assert (incident.opened.hour, incident.last.hour, incident.peak_score) == (8, 11, 2.0)


def test_an_incident_that_was_open_before_an_event_is_a_false_alarm_and_finds_nothing() -> None:
    decisions = [decision(h, incident="3" if 3 <= h < 12 else None) for h in range(20)]
    found = summary.device_summary("dma-01", decisions, [truth(5, 15)])
    assert found.delays_s == (None,)
    assert found.false_alarms == 1


def test_an_incident_without_an_event_is_a_false_alarm_and_an_event_without_an_incident_is_missed() -> None:
    decisions = [decision(h, incident="1" if h < 3 and h else None) for h in range(20)]
    found = summary.device_summary("dma-01", decisions, [truth(5, 15)])
    assert found.delays_s == (None,)
    assert found.false_alarms == 1


def test_other_devices_do_not_count() -> None:
    decisions = [decision(6, incident="6", device="dma-02")]
    found = summary.device_summary("dma-01", decisions, [truth(5, 15)])
    assert not found.decisions
    assert not found.incidents


SPANS = [(0, "0 s"), (59, "59 s"), (90, "1.5 min"), (10_800, "3.0 h"), (36 * 3600, "36.0 h"), (3 * 86_400, "3.0 d")]


@pytest.mark.parametrize(("seconds", "text"), SPANS)
def test_a_duration_reads_as_people_say_it(seconds: float, text: str) -> None:
    assert summary.duration(seconds) == text


def test_percentiles_are_milliseconds() -> None:
    assert summary.percentiles([0.1] * 10) == pytest.approx({"p50": 100, "p95": 100, "p99": 100})
    assert summary.percentiles([]) == {}
