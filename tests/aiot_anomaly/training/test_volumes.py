"""VUS-PR: aeon's volume, for each device, at a bounded cost."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from aeon.benchmarking.metrics.anomaly_detection import range_pr_vus_score

from aiot_anomaly.training import volumes
from aiot_anomaly.training.evaluation import Scored
from aiot_anomaly.training.volumes import LONGEST, vus_pr


def scored(scores, labels) -> Scored:
    return Scored("a", np.arange(len(scores)), np.asarray(scores, dtype=float), np.asarray(labels, dtype=bool))


def series(n=1500, *, gain=2.0, seed=0, length=60):
    """Events of `length` rows whose scores are higher by `gain`."""
    labels = (np.arange(n) // length) % 4 == 2
    return np.random.default_rng(seed).gamma(2.0, size=n) + gain * labels, labels


@pytest.mark.parametrize("length", [3, 12, 60, 150])
def test_it_is_the_mean_over_all_slopes_up_to_the_usual_event(length):
    scores, labels = series(length=length)
    whole = range_pr_vus_score(labels.astype(int), scores, max_buffer_size=min(length, LONGEST))
    assert vus_pr([scored(scores, labels)]) == pytest.approx(whole, abs=0.003)


def test_a_better_ranking_has_a_larger_volume_and_a_perfect_one_nearly_all_of_it():
    found = [vus_pr([scored(*series(gain=gain))]) for gain in (0.0, 1.0, 3.0)]
    assert found == sorted(found)
    _, labels = series()
    assert vus_pr([scored(labels + 1e-5 * np.arange(len(labels)), labels)]) > 0.9


def test_a_fleets_is_the_mean_of_its_devices_with_events():
    one, other = scored(*series(seed=1)), scored(*series(gain=1.0, seed=2))
    quiet = scored(np.ones(100), np.zeros(100))
    assert vus_pr([one, quiet, other]) == pytest.approx(np.mean([vus_pr([one]), vus_pr([other])]))
    np.testing.assert_array_equal(np.isnan(volumes.volumes([one, quiet, other])), [False, True, False])


def test_without_an_event_or_without_a_normal_row_there_is_none():
    assert np.isnan(vus_pr([scored(np.ones(9), np.zeros(9)), scored(np.ones(9), np.ones(9))]))
    assert np.isnan(vus_pr([]))
    assert np.isnan(vus_pr([scored([], [])]))


def test_scores_that_rank_nothing_have_the_share_of_anomalous_rows():
    _, labels = series()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert vus_pr([scored(np.ones(len(labels)), labels)]) == pytest.approx(labels.mean())


def test_a_row_without_a_score_counts_as_normal():
    scores, labels = series()
    missing = np.arange(len(scores)) % 7 == 0
    assert vus_pr([scored(np.where(missing, np.nan, scores), labels)]) == vus_pr(
        [scored(np.where(missing, 0.0, scores), labels)]
    )


def test_a_long_series_is_thinned_and_tells_about_the_same(monkeypatch):
    scores, labels = series(n=12_000, length=300)
    whole = vus_pr([scored(scores, labels)])
    monkeypatch.setattr(volumes, "MOST_ROWS", 3000)
    assert vus_pr([scored(scores, labels)]) == pytest.approx(whole, abs=0.02)
    rows = []
    monkeypatch.setattr(volumes, "range_pr_auc_score", lambda y, s, buffer_size: rows.append(len(y)) or 0.5)
    vus_pr([scored(scores, labels)])
    assert set(rows) == {3000}
    assert len(rows) == volumes.SLOPES
