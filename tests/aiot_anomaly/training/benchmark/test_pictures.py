"""Pictures are drawn of whatever was measured, also of little, and the same data gives the same file."""

from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.training.benchmark import drawing, pictures
from aiot_anomaly.training.benchmark.results import Row
from aiot_anomaly.training.evaluation import Scored


def scored(seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(50) > 30
    return [Scored("a", np.arange(50), np.where(rng.random(50) < 0.1, np.nan, rng.random(50) + labels), labels)]


def bars():
    return pictures.bars({"ours": {"h1": 0.9, "h2": 0.8}, "theirs": {"h2": 0.7}}, title="by attack", label="AUC")


def by_size():
    return pictures.by_size({"ours": {0.01: 0.1, 0.02: 0.6}, "theirs": {0.02: 0.5}}, None)


def curves():
    return pictures.precision_recall({f"method {i}": scored(i) for i in range(7)})


@pytest.mark.parametrize("draw", [bars, by_size, curves])
def test_a_picture_is_labelled_small_and_the_same_again(draw, tmp_path):
    figure = draw()
    axis = figure.axes[0]
    assert axis.get_title()
    assert axis.get_ylabel()
    files = [tmp_path / "deep" / f"{i}.png" for i in range(2)]
    pictures.save(figure, files[0])
    pictures.save(draw(), files[1])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size < 200_000


def test_a_curve_begins_at_the_highest_score_and_ends_at_the_share_of_anomalies():
    recall, precision = pictures._curve(scored(0))
    assert (np.diff(recall) >= 0).all()
    assert recall[-1] == 1
    assert 0.3 < precision[-1] <= 1


def row(name, auc_pr, kind="baseline"):
    return Row(name=name, kind=kind, measures={"auc_pr": auc_pr}, thresholds=[1.0], seconds=0.0)


def test_the_closest_rivals_and_the_best_others_are_drawn():
    rows = [row("LSTM autoencoder", 0.9, "network"), row("no network", 0.1), row("PCA autoencoder", 0.2)]
    rows += [row(f"rule {i}", 0.3 + i / 10) for i in range(4)] + [row("rule 3, again", 0.6), row("random", 0.99)]
    assert drawing.rivals(rows) == ["PCA autoencoder", "no network", "rule 3", "rule 2", "rule 1"]
