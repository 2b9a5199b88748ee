"""The rule against the champion: clearly better, not by luck, and at no cost to the operator."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from aiot_anomaly.training import comparison
from aiot_anomaly.training.comparison import decide, gains
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.resampling import RESAMPLES
from tests.support.tiny_bundle import tiny_profile

PROFILE = tiny_profile()  # opens after 2 of 3; a decision every 120 s
ROWS = 200
EVENT = slice(120, 160)


def fleet(*strengths: float, seed: int = 0, false: int = 0, event: slice = EVENT) -> list[Scored]:
    """A device each: noise below the threshold, raised by its strength in the event; `false` alarms before it."""
    found = []
    for i, strength in enumerate(strengths):
        scores = np.random.default_rng(seed + i).uniform(0.2, 0.6, ROWS)
        labels = np.zeros(ROWS, dtype=bool)
        labels[event] = True
        scores[event] += strength
        for start in range(0, 20 * false, 20):
            scores[start : start + 3] += 0.7
        found.append(Scored(f"device-{i}", 120 * np.arange(ROWS), scores, labels))
    return found


def met(decision: comparison.Decision) -> list[bool]:
    return [r.met for r in decision.requirements]


def test_a_candidate_that_is_clearly_better_on_every_device_is_proposed():
    found = decide(PROFILE, fleet(*[0.9] * 6), fleet(*[0.2] * 6), "old")
    assert found.better
    assert met(found) == [True] * 4
    assert (found.champion, found.reason) == ("old", "better than version old in all 4 requirements")


def test_the_same_model_again_is_not_proposed():
    found = decide(PROFILE, fleet(*[0.5] * 6), fleet(*[0.5] * 6), "old")
    assert not found.better
    assert met(found) == [False, False, True, True]


def test_a_gain_too_small_for_a_roll_out_is_not_proposed(monkeypatch):
    ours, theirs = fleet(*[0.32] * 6), fleet(*[0.3] * 6)
    assert decide(PROFILE, ours, theirs, "old").better
    monkeypatch.setattr(comparison, "GAIN", 0.5)
    assert met(decide(PROFILE, ours, theirs, "old")) == [False, True, True, True]


def test_a_gain_on_one_device_of_many_is_taken_for_luck():
    ours, theirs = fleet(0.9, *[0.2] * 7), fleet(0.0, *[0.21] * 7)
    found = decide(PROFILE, ours, theirs, "old")
    assert met(found) == [True, False, True, True]
    assert found.reason.startswith("AUC-PR in resamples of the 8 devices: higher in ")


def test_a_better_ranking_with_more_false_incidents_is_not_proposed():
    theirs = fleet(*[0.2] * 6)
    ours = fleet(*[0.9] * 6, false=1)
    assert met(decide(PROFILE, ours, theirs, "old")) == [True, True, False, True]
    assert decide(PROFILE, ours, fleet(*[0.2] * 6, false=1), "old").better


def test_a_better_ranking_that_finds_fewer_events_is_not_proposed():
    """AUC-PR knows no threshold: one that is too high to ever alarm ranks as well."""
    silent = [Scored(s.device_id, s.ends, s.scores / 10, s.labels) for s in fleet(*[0.9] * 6)]
    found = decide(PROFILE, silent, fleet(*[0.8] * 6, false=3), "old")
    assert met(found) == [True, True, True, False]
    assert found.reason == "share of the events found: 0.00, expected at least 0.95"


def test_without_a_champion_any_model_is_better_and_the_reason_says_why_there_is_none():
    found = decide(PROFILE, fleet(0.1), None, "none was promoted yet")
    assert found.better
    assert (found.champion, found.reason) == ("", "no champion to compare with: none was promoted yet")


def test_without_labelled_anomalies_nothing_is_proposed():
    quiet = fleet(*[0.0] * 6, event=slice(0, 0))
    noisy = fleet(*[0.0] * 6, event=slice(0, 0), false=2)
    found = decide(PROFILE, quiet, noisy, "old")
    assert not found.better
    assert found.reason == "labels: none, or one kind only, expected normal and anomalous"


def test_one_device_is_not_enough_to_tell_a_gain_from_luck():
    found = decide(PROFILE, fleet(0.9), fleet(0.1), "old")
    assert not found.better
    assert found.reason == "devices in the test part: 1, expected at least 2, to tell luck"


def test_gains_are_those_of_the_drawn_devices_scored_together():
    # rounded, so that scores are tied
    ours, theirs = (
        [Scored(s.device_id, s.ends, s.scores.round(1), s.labels) for s in of]
        for of in (fleet(0.3, 0.1, 0.2), fleet(0.1, 0.25, 0.2, seed=9))
    )

    def area(of: list[Scored], drawn: tuple[int, ...]) -> float:
        labels = np.concatenate([of[i].labels for i in drawn])
        return float(average_precision_score(labels, np.concatenate([of[i].scores for i in drawn])))

    possible = [area(ours, (i, j, k)) - area(theirs, (i, j, k)) for i in range(3) for j in range(3) for k in range(3)]
    found = gains(ours, theirs)
    assert len(found) == RESAMPLES
    assert np.abs(found[:, None] - np.array(possible)[None, :]).min(axis=1).max() < 1e-9
    assert np.mean(found > 0) == pytest.approx(np.mean(np.array(possible) > 0), abs=0.08)


def test_draws_without_an_anomaly_are_left_out():
    quiet = fleet(0.0, event=slice(0, 0))[0]
    found = gains([quiet, *fleet(0.9)], [quiet, *fleet(0.1)])
    assert 0 < len(found) < RESAMPLES
    assert np.isfinite(found).all()


def test_a_decision_is_kept_as_json_and_read_back():
    made = decide(PROFILE, fleet(*[0.9] * 3), fleet(*[0.2] * 3), "old")
    assert comparison.Decision.model_validate_json(made.model_dump_json()) == made
