from __future__ import annotations

import numpy as np
import pytest

from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError


def recording(labels: list[bool] | None = None) -> Recording:
    return Recording("d", np.arange(5), np.zeros((5, 2)), None if labels is None else np.array(labels), 3)


@pytest.mark.parametrize(
    ("labels", "events"),
    [
        (None, []),
        ([False] * 5, []),
        ([True] * 5, [(0, 4)]),
        ([True, False, False, True, True], [(0, 0), (3, 4)]),
    ],
)
def test_events_are_the_contiguous_labelled_rows(labels: list[bool] | None, events: list[tuple[int, int]]) -> None:
    assert recording(labels).events() == events


def test_its_head_is_its_first_rows() -> None:
    head = recording([True] * 5).head(2)
    assert (len(head), head.train_rows, head.events()) == (2, 2, [(0, 1)])


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DatasetError, match="values are"):
        Recording("d", np.arange(5), np.zeros((4, 2)))
    with pytest.raises(DatasetError, match="labels are"):
        Recording("d", np.arange(5), np.zeros((5, 2)), np.zeros(4, dtype=bool))
    with pytest.raises(DatasetError, match="back in time"):
        Recording("d", np.array([2, 1]), np.zeros((2, 1)))
