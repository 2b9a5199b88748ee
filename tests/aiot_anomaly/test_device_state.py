"""What is stored of a device: read back as it was, an older format kept, a newer one refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from aiot_anomaly.device_state import FORMAT, DeviceState
from aiot_anomaly.errors import StateError
from aiot_anomaly.incidents import IncidentTracker
from aiot_anomaly.learning import Learning
from tests.functions.states import FIRST_FORMAT, state


def assert_equal_states(a: DeviceState, b: DeviceState) -> None:
    for name, value in vars(a).items():
        other = getattr(b, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(other, value, err_msg=name)
            assert other.dtype == value.dtype
        else:
            assert other == value, name
            assert type(other) is type(value), name


@pytest.mark.parametrize("written", [DeviceState(), state(3, values=np.nan, due_at=900)])
def test_a_stored_state_is_the_state(written):
    assert_equal_states(DeviceState.decode(written.encode()), written)


def test_the_state_to_test_with_has_no_field_of_an_empty_one():
    filled, empty = state(3, due_at=900), DeviceState()
    for of, other in ((filled, empty), (filled.tracker, empty.tracker), (filled.learning, empty.learning)):
        for name, value in vars(other).items():
            if not isinstance(value, np.ndarray):
                assert getattr(of, name) != value, name


def test_a_state_of_the_first_format_keeps_windows_counts_and_incident():
    found = DeviceState.decode(FIRST_FORMAT)
    assert found.slots.tolist() == [10, 11, 12]
    np.testing.assert_array_equal(found.values, [[50, 5], [np.nan, 5.5], [51, 5]])
    assert (found.first_slot, found.watermark, found.pending) == (10, 11, 1)
    assert found.outcomes == {"decided": 9, "warming_up": 0, "duplicate": 0, "late": 1, "gap": 0}
    assert found.messages == ("a", "b")
    assert found.tracker == IncidentTracker((True, False), 600, 1.5, 1)
    assert found.model_version == "v7"
    assert (found.learning, found.maintenance, found.silent_at) == (Learning(), None, None)
    assert_equal_states(DeviceState.decode(found.encode()), found)


def test_a_state_of_a_later_format_is_refused_and_the_text_says_what_to_do():
    later = json.loads(DeviceState().encode()) | {"format": FORMAT + 1}
    with pytest.raises(StateError, match=rf"format {FORMAT + 1}.*reads up to {FORMAT}.*later release"):
        DeviceState.decode(json.dumps(later).encode())
